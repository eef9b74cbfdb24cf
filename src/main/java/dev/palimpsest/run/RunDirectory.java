package dev.palimpsest.run;

import dev.palimpsest.base.UsageException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/**
 * Where everything of one run lies. The folder is self-sufficient: it can be moved, archived and
 * reported on alone.
 *
 * @param root the folder
 */
public record RunDirectory(Path root) {
  /**
   * A folder that a run has been started in.
   *
   * @throws UsageException if it has no {@code config.yaml}
   */
  public static RunDirectory existing(Path root) {
    RunDirectory run = new RunDirectory(root);
    if (!Files.isRegularFile(run.config())) {
      throw new UsageException(
          root
              + " is not a run directory: it has no config.yaml (made by 'run', 'demo' or"
              + " 'train')");
    }
    return run;
  }

  /**
   * Makes sure that the folder is one, or can be made.
   *
   * @throws UsageException where a file, a device or a link to nowhere is in its place
   */
  public void requireFolder() {
    if (Files.exists(root, LinkOption.NOFOLLOW_LINKS) && !Files.isDirectory(root)) {
      throw new UsageException(root + " is no folder: a run needs one of its own");
    }
  }

  /** The resolved configuration. */
  public Path config() {
    return root.resolve("config.yaml");
  }

  /** The machine and versions. */
  public Path environment() {
    return root.resolve("environment.json");
  }

  /** One line per training step. */
  public Path metrics() {
    return root.resolve("metrics.jsonl");
  }

  /** A coder's folder: {@code cfg.json} and {@code sae.safetensors}. */
  public Path coder(String hookpoint) {
    return root.resolve("coder").resolve(hookpoint);
  }

  /** The tokenised text. */
  public Path tokens() {
    return root.resolve("tokens");
  }

  /** The folder of the latent caches. */
  public Path latents() {
    return root.resolve("latents");
  }

  /** A coder's latent cache over the explain split. */
  public Path latents(String hookpoint) {
    return root.resolve("latents").resolve(hookpoint);
  }

  /** A coder's latent cache over the score split. */
  public Path scoreLatents(String hookpoint) {
    return root.resolve("latents").resolve("score").resolve(hookpoint);
  }

  /** The words, one JSON object a line; may be edited by hand. */
  public Path explanations(String hookpoint) {
    return root.resolve("explanations").resolve(hookpoint + ".jsonl");
  }

  /** The word classes that a coder's words speak of; may be edited by hand. */
  public Path glossary(String hookpoint) {
    return root.resolve("explanations").resolve(hookpoint + ".glossary.txt");
  }

  /** Scores of the words. */
  public Path scores(String hookpoint) {
    return root.resolve("scores").resolve(hookpoint + ".jsonl");
  }

  /** A language model's judgements of the words, by latent and scorer. */
  public Path judgedScores(String hookpoint) {
    return root.resolve("scores").resolve(hookpoint + ".judged.jsonl");
  }

  /** The calibrations fitted for one protocol. */
  public Path simulations(String hookpoint, String protocol) {
    return root.resolve("simulations").resolve(hookpoint + "." + protocol + ".jsonl");
  }

  /** The calibrations fitted for one protocol to explanations exchanged between latents. */
  public Path shuffledSimulations(String hookpoint, String protocol) {
    return root.resolve("simulations").resolve(hookpoint + "." + protocol + ".shuffled.jsonl");
  }

  /** The main result: the transcoder under the all-tokens protocol. */
  public Path rewrite() {
    return root.resolve("rewrite.json");
  }

  /** A coder's result under a protocol. */
  public Path rewrite(String hookpoint, String protocol) {
    return root.resolve("rewrites").resolve(hookpoint + "." + protocol + ".json");
  }

  /** The losses with several modules replaced at once. */
  public Path together(String protocol) {
    return root.resolve("rewrites").resolve("together." + protocol + ".json");
  }

  /** What language models have answered: journals, and an account of each. */
  public Path answers(String file) {
    return root.resolve("answers").resolve(file);
  }

  /** The page to look at. */
  public Path report() {
    return root.resolve("report.html");
  }

  /** The main result's loss against the share rewritten, as an image. */
  public Path figure() {
    return root.resolve("figure.svg");
  }

  /** What is known of finished stages. */
  public Path stages() {
    return root.resolve("stages");
  }

  /** The digests of the files that a run reads and leaves. */
  public Path digests() {
    return stages().resolve("digests.json");
  }

  /** What a run was begun with and keeps: model, text, seed. */
  public Path inputs() {
    return stages().resolve("inputs.json");
  }

  /** A coder's words as the explainer wrote them: by these a person's edits are known. */
  public Path writtenExplanations(String hookpoint) {
    return stages().resolve("written").resolve(hookpoint + ".jsonl");
  }

  /** A coder's word classes as the explainer wrote them. */
  public Path writtenGlossary(String hookpoint) {
    return stages().resolve("written").resolve(hookpoint + ".glossary.txt");
  }
}
