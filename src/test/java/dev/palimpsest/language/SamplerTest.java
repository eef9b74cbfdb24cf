package dev.palimpsest.language;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.palimpsest.base.Seeds;
import org.junit.jupiter.api.Test;

/** Frequencies of draws against the probabilities they should have. */
class SamplerTest {
  private static final float[] LOGITS = {
    (float) Math.log(0.5), (float) Math.log(0.1), (float) Math.log(0.3), (float) Math.log(0.1)
  };

  private static double[] frequencies(double temperature, double topP) {
    Sampler sampler = new Sampler(new Sampling(1, temperature, topP, 0), Seeds.stream(3, "test"));
    double[] counts = new double[4];
    for (int i = 0; i < 40_000; i++) {
      counts[sampler.next(LOGITS)] += 1 / 40_000.0;
    }
    return counts;
  }

  private static void assertClose(double[] found, double... expected) {
    for (int i = 0; i < expected.length; i++) {
      assertThat(found[i]).isCloseTo(expected[i], within(0.012));
    }
  }

  @Test
  void drawsByProbability() {
    assertClose(frequencies(1, 1), 0.5, 0.1, 0.3, 0.1);
    double sum = 0.25 + 0.01 + 0.09 + 0.01;
    assertClose(frequencies(0.5, 1), 0.25 / sum, 0.01 / sum, 0.09 / sum, 0.01 / sum);
    assertClose(frequencies(0, 0.5), 1, 0, 0, 0);
  }

  @Test
  void topPKeepsTheLikeliest() {
    assertClose(frequencies(1, 0.5), 1, 0, 0, 0);
    assertClose(frequencies(1, 0.6), 0.625, 0, 0.375, 0);
    assertClose(frequencies(1, 0.85), 0.5 / 0.9, 0.1 / 0.9, 0.3 / 0.9, 0);
    assertThat(frequencies(1, 0.8)[3]).isZero();
  }
}
