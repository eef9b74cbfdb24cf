package dev.palimpsest.cli;

import picocli.CommandLine.Option;

/** Whether what is finished is done again; of commands that would otherwise leave it. */
final class ForceOption {
  @Option(
      names = "--force",
      description = "Repeat stages that are finished, even where nothing has changed.")
  private boolean force;

  boolean given() {
    return force;
  }
}
