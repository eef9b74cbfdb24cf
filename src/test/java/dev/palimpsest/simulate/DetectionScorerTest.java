package dev.palimpsest.simulate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.latents.LatentCache;
import dev.palimpsest.latents.SyntheticCache;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DetectionScorerTest {
  private static final int WORD = 3;

  /** Rates 3 everywhere, and {@code above} more on the word. */
  private record Loud(float above) implements DetectionScorer.TokenRater {
    @Override
    public boolean explained(int latent) {
      return true;
    }

    @Override
    public float[] defaults() {
      return new float[] {3};
    }

    @Override
    public void rate(int[] context, DetectionScorer.Ratings sink) {
      for (int p = 0; p < context.length; p++) {
        if (context[p] == WORD) {
          sink.accept(p, 0, 3 + above);
        }
      }
    }
  }

  @Test
  void aRatingMustStandOutFromTheDefaultNotFromZero(@TempDir Path folder) {
    List<int[]> rows = SyntheticCache.rows(200, 64, 40, 9);
    SyntheticCache.write(folder, rows, 1, 50, (latent, row, p) -> row[p] == WORD ? 1 : 0);
    ScoreConfig config = new ScoreConfig(16, 5, 4, 20, 0.5, 0);
    try (LatentCache cache = LatentCache.open(folder)) {
      // A text that rates 3 everywhere says nothing, though 3 is above the threshold of 0.5.
      LatentScore mute =
          new DetectionScorer(config, new Loud(0.4f)).score(cache, 0, cache.latents()).get(0);
      assertThat(mute.truePositiveRate()).isZero();
      assertThat(mute.trueNegativeRate()).isEqualTo(1);
      LatentScore right =
          new DetectionScorer(config, new Loud(0.6f)).score(cache, 0, cache.latents()).get(0);
      assertThat(right.truePositiveRate()).isEqualTo(1);
      assertThat(right.trueNegativeRate()).isEqualTo(1);
    }
  }
}
