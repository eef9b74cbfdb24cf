package dev.palimpsest.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.palimpsest.base.Seeds;
import dev.palimpsest.results.Interval;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** The loss table's statistics against plain loops over resampled windows. */
class LossStatisticsTest {
  private static final int CLEAN = 0;
  private static final int ZERO = 1;
  private static final int CODER = 2;
  private static final int REWRITE = 3;
  private static final int RESAMPLES = 500;
  private static final long SEED = 5;

  @Test
  void meansWeighWindowsByTheirTokens() {
    LossTable table = table(new int[] {1, 3}, new double[][] {{1, 6}, {2, 15}, {1, 9}, {4, 12}});
    LossStatistics statistics = statistics(table);
    assertThat(statistics.ce(REWRITE)).hasValue(16.0 / 4);
    assertThat(statistics.deltaMean(REWRITE)).hasValue((16.0 - 7.0) / 4);
    assertThat(statistics.deltaMedian(REWRITE).orElseThrow())
        .isCloseTo(((4.0 - 1) + (4.0 - 2)) / 2, within(1e-12));
    assertThat(statistics.kl(REWRITE)).hasValue(2 * 16.0 / 4);
  }

  @Test
  void intervalsAreThoseOfTheResampledWindows() {
    LossTable table = noisyTable(60, 0.5);
    LossStatistics statistics = statistics(table);
    double[] deltas = new double[RESAMPLES];
    double[] ratios = new double[RESAMPLES];
    for (int r = 0; r < RESAMPLES; r++) {
      SplittableRandom random = Seeds.stream(SEED, "rewrite-bootstrap", r);
      double[] sums = new double[4];
      double tokens = 0;
      for (int i = 0; i < 60; i++) {
        int w = random.nextInt(60);
        tokens += table.tokens()[w];
        for (int v = 0; v < 4; v++) {
          sums[v] += table.crossEntropy(v)[w];
        }
      }
      deltas[r] = (sums[REWRITE] - sums[CLEAN]) / tokens;
      ratios[r] = (sums[ZERO] - sums[REWRITE]) / (sums[ZERO] - sums[CODER]);
    }
    assertInterval(statistics.deltaInterval(REWRITE).orElseThrow(), deltas);
    assertInterval(statistics.lossRecoveredInterval(REWRITE).orElseThrow(), ratios);
    assertThat(statistics.deltaInterval(REWRITE).orElseThrow())
        .matches(i -> i.contains(statistics.deltaMean(REWRITE).orElseThrow()));
    assertThat(statistics.lossRecovered(ZERO)).hasValue(0);
    assertThat(statistics.lossRecovered(CODER)).hasValue(1);
    assertThat(statistics.lossRecoveredInterval(CODER)).hasValue(new Interval(1, 1));
    assertThat(statistics.deltaInterval(CLEAN)).hasValue(new Interval(0, 0));
  }

  @Test
  void lossRecoveredIsAbsentWhereTheCoderIsNotClearlyBetterThanZero() {
    LossTable table = noisyTable(40, 0.0);
    LossStatistics statistics = statistics(table);
    assertThat(statistics.lossRecovered(REWRITE)).isEmpty();
    assertThat(statistics.lossRecoveredInterval(REWRITE)).isEmpty();
    assertThat(statistics.deltaInterval(REWRITE)).isPresent();
  }

  @Test
  void anInfiniteLossLeavesItsRowEmptyAndTheOthersWhole() {
    LossTable table =
        table(new int[] {1, 1}, new double[][] {{1, 1}, {3, 3}, {1, 1}, {2, Double.NaN}});
    LossStatistics statistics = statistics(table);
    assertThat(statistics.ce(REWRITE)).isEmpty();
    assertThat(statistics.deltaInterval(REWRITE)).isEmpty();
    assertThat(statistics.deltaMedian(REWRITE)).isEmpty();
    assertThat(statistics.lossRecovered(REWRITE)).isEmpty();
    assertThat(statistics.lossRecoveredInterval(REWRITE)).isEmpty();
    assertThat(statistics.pValue(REWRITE, ZERO)).isEmpty();
    assertThat(statistics.ce(ZERO)).hasValue(3);
  }

  @Test
  void anEmptyTableHasNoStatistics() {
    LossStatistics statistics = statistics(new LossTable(4));
    assertThat(statistics.ce(CLEAN)).isEmpty();
    assertThat(statistics.deltaInterval(ZERO)).isEmpty();
    assertThat(statistics.deltaMedian(ZERO)).isEmpty();
    assertThat(statistics.lossRecovered(CODER)).isEmpty();
    assertThat(statistics.pValue(ZERO, CODER)).isEmpty();
  }

  @Test
  void theSeedDecidesTheIntervals() {
    LossTable table = noisyTable(30, 0.5);
    assertThat(statistics(table).deltaInterval(REWRITE))
        .isEqualTo(statistics(table).deltaInterval(REWRITE))
        .isNotEqualTo(
            new LossStatistics(table, CLEAN, ZERO, CODER, RESAMPLES, SEED + 1)
                .deltaInterval(REWRITE));
  }

  private static void assertInterval(Interval found, double[] statistics) {
    Arrays.sort(statistics);
    assertThat(found.low()).isCloseTo(typeSeven(statistics, 0.025), within(1e-12));
    assertThat(found.high()).isCloseTo(typeSeven(statistics, 0.975), within(1e-12));
  }

  private static double typeSeven(double[] sorted, double q) {
    double place = q * (sorted.length - 1);
    double share = place % 1;
    int below = (int) (place - share);
    return (1 - share) * sorted[below] + share * sorted[below + 1];
  }

  private static LossStatistics statistics(LossTable table) {
    return new LossStatistics(table, CLEAN, ZERO, CODER, RESAMPLES, SEED);
  }

  private static LossTable noisyTable(int windows, double coderGain) {
    SplittableRandom random = new SplittableRandom(3);
    int[] tokens = new int[windows];
    double[][] sums = new double[4][windows];
    for (int w = 0; w < windows; w++) {
      tokens[w] = 1 + random.nextInt(9);
      double clean = 2 + random.nextDouble();
      sums[CLEAN][w] = tokens[w] * clean;
      sums[ZERO][w] = tokens[w] * (clean + coderGain + random.nextDouble() - 0.4);
      sums[CODER][w] = tokens[w] * (clean + random.nextDouble() - 0.4);
      sums[REWRITE][w] = tokens[w] * (clean + coderGain / 2 + random.nextDouble() - 0.4);
    }
    return table(tokens, sums);
  }

  /** KL sums are twice the CE sums. */
  private static LossTable table(int[] tokens, double[][] sums) {
    LossTable table = new LossTable(sums.length);
    int first = table.append(tokens);
    for (int v = 0; v < sums.length; v++) {
      for (int w = 0; w < tokens.length; w++) {
        table.add(v, first + w, sums[v][w], 2 * sums[v][w]);
      }
    }
    return table;
  }
}
