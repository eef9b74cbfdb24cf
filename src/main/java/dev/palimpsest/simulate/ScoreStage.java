package dev.palimpsest.simulate;

import dev.palimpsest.latents.LatentCache;
import java.nio.file.Path;
import java.util.List;

/** Scores explanations by detection, with a simulator as the judge. */
public final class ScoreStage {
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
   * Scores and replaces the file in one step.
   *
   * @param simulator built from the explanations to be scored
   * @param cache of the score split
   * @param file usually {@code scores/<hookpoint>.jsonl}
   */
  public static Result run(Simulator simulator, LatentCache cache, ScoreConfig config, Path file) {
    List<LatentScore> scores = new DetectionScorer(config, rater(simulator)).score(cache);
    ScoreStore.write(file, scores);
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
