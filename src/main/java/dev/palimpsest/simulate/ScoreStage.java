package dev.palimpsest.simulate;

import dev.palimpsest.base.Json;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.latents.LatentCache;
import dev.palimpsest.latents.ScratchFolder;
import dev.palimpsest.latents.StageJournal;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.IntConsumer;

/** Scores explanations by detection, with a simulator as the judge. */
public final class ScoreStage {
  private static final int LATENTS_AT_ONCE = 4096;

  private ScoreStage() {}

  /**
   * What a run of the stage did.
   *
   * @param scored latents with a score
   * @param meanBalancedAccuracy over them; 0 where there is none
   * @param meanCorrelation over them; 0 where there is none
   */
  public record Result(int scored, double meanBalancedAccuracy, double meanCorrelation) {}

  /**
   * Scores and replaces the file in one step. Latents are taken some thousands at a time, each time
   * with a simulator that knows only them, so that memory does not grow with M; what is done is
   * kept, and gone on from after the process was killed. The file is the same.
   *
   * @param explanations to be scored
   * @param simulators makes a simulator of some of them
   * @param cache of the score split
   * @param source what identifies the explanations and the cache, free-form
   * @param file usually {@code scores/<hookpoint>.jsonl}
   * @param progress is told the number of latents done so far
   */
  public static Result run(
      List<Explanation> explanations,
      Function<List<Explanation>, Simulator> simulators,
      LatentCache cache,
      ScoreConfig config,
      Map<String, String> source,
      Path file,
      IntConsumer progress) {
    return run(explanations, simulators, cache, config, source, file, progress, LATENTS_AT_ONCE);
  }

  static Result run(
      List<Explanation> explanations,
      Function<List<Explanation>, Simulator> simulators,
      LatentCache cache,
      ScoreConfig config,
      Map<String, String> source,
      Path file,
      IntConsumer progress,
      int latentsAtOnce) {
    Path scratch = ScratchFolder.beside(file);
    Map<String, String> identity = new TreeMap<>(source);
    identity.put("settings", Json.line(config));
    List<LatentScore> scores;
    try (StageJournal journal = new StageJournal(scratch, identity)) {
      for (int from = journal.done(); from < cache.latents(); from += latentsAtOnce) {
        int first = from;
        int to = Math.min(from + latentsAtOnce, cache.latents());
        Simulator simulator =
            simulators.apply(
                explanations.stream()
                    .filter(text -> text.latent() >= first && text.latent() < to)
                    .toList());
        new DetectionScorer(config, rater(simulator)).score(cache, first, to).forEach(journal::add);
        journal.keep(to);
        progress.accept(to);
      }
      scores = journal.lines(LatentScore.class);
    }
    ScoreStore.write(file, scores);
    ScratchFolder.remove(scratch);
    return new Result(
        scores.size(),
        scores.stream().mapToDouble(LatentScore::balancedAccuracy).average().orElse(0),
        scores.stream().mapToDouble(LatentScore::correlation).average().orElse(0));
  }

  private static DetectionScorer.TokenRater rater(Simulator simulator) {
    return new DetectionScorer.TokenRater() {
      @Override
      public boolean explained(int latent) {
        return simulator.explained(latent);
      }

      @Override
      public float[] defaults() {
        return simulator.defaults();
      }

      @Override
      public void rate(int[] context, DetectionScorer.Ratings sink) {
        simulator.rate(context, sink::accept);
      }
    };
  }
}
