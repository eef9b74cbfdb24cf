package dev.palimpsest.cli;

import picocli.CommandLine.Option;

/** Whether the explainer writes over a person's words; of commands that run the explainer. */
final class ReplaceTextsOption {
  @Option(
      names = "--replace-texts",
      description = {
        "Have the explainer write all explanations anew, also those that a person wrote or edited;",
        "the old file is kept beside the new one (….jsonl.1)."
      })
  private boolean replaceTexts;

  boolean given() {
    return replaceTexts;
  }
}
