package dev.palimpsest.explain;

import dev.palimpsest.base.Progress;
import dev.palimpsest.latents.Keeping;
import dev.palimpsest.latents.LatentCache;
import dev.palimpsest.latents.ScratchFolder;
import dev.palimpsest.latents.StageJournal;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;

/** Writes explanations of all latents from the cache. */
public final class ExplainStage {
  /** Latents between two chances to keep what is done. */
  private static final int LATENTS_AT_ONCE = 256;

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
   * Explains and replaces the file in one step. What is done is kept from time to time, and gone on
   * from after the process was killed; the file is the same.
   *
   * @param cache of the explain split
   * @param explainer writes the words
   * @param source what identifies the cache and the explainer's settings, free-form
   * @param file usually {@code explanations/<hookpoint>.jsonl}
   * @param what the work is called to who hears of its progress, from any thread
   */
  public static Result run(
      LatentCache cache,
      Explainer explainer,
      Map<String, String> source,
      Path file,
      String what,
      Progress progress) {
    Path scratch = ScratchFolder.beside(file);
    List<Explanation> explanations;
    try (StageJournal journal = new StageJournal(scratch, source)) {
      explain(cache, explainer, journal, Keeping.usual(), what, progress);
      explanations = journal.lines(Explanation.class);
    }
    ExplanationStore.write(file, explanations);
    ScratchFolder.remove(scratch);
    return summary(cache.latents(), explanations);
  }

  static void explain(
      LatentCache cache,
      Explainer explainer,
      StageJournal journal,
      Keeping keeping,
      String what,
      Progress progress) {
    Explainer.Work work = explainer.begin(cache, progress);
    int latents = cache.latents();
    IntConsumer told = done -> progress.advanced(what, "latents", done, latents);
    told.accept(journal.done());
    for (int from = journal.done(); from < latents; from += LATENTS_AT_ONCE) {
      int to = Math.min(from + LATENTS_AT_ONCE, latents);
      work.explain(from, to, told).forEach(journal::add);
      keeping.ifDue(() -> journal.keep(to));
    }
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
