package dev.palimpsest.explain;

import dev.palimpsest.latents.LatentCache;
import java.nio.file.Path;
import java.util.List;
import java.util.function.IntConsumer;

/** Writes explanations of all latents from the cache. */
public final class ExplainStage {
  private ExplainStage() {}

  /**
   * What a run of the stage did.
   *
   * @param latents number of latents M
   * @param explained latents that have an explanation; the rest never fired in the cache
   * @param meanCharacters mean length of a text
   * @param longest length of the longest text
   */
  public record Result(int latents, int explained, double meanCharacters, int longest) {}

  /**
   * Explains and replaces the file in one step.
   *
   * @param cache of the explain split
   * @param explainer writes the words
   * @param file usually {@code explanations/<hookpoint>.jsonl}
   * @param progress is told the number of latents done so far, from any thread
   */
  public static Result run(
      LatentCache cache, Explainer explainer, Path file, IntConsumer progress) {
    List<Explanation> explanations = explainer.explain(cache, progress);
    ExplanationStore.write(file, explanations);
    return summary(cache.latents(), explanations);
  }

  /** The figures of explanations that are there already. */
  public static Result summary(int latents, List<Explanation> explanations) {
    return new Result(
        latents,
        explanations.size(),
        explanations.stream().mapToInt(e -> e.text().length()).average().orElse(0),
        explanations.stream().mapToInt(e -> e.text().length()).max().orElse(0));
  }
}
