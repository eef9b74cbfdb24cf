package dev.palimpsest.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.palimpsest.base.Seeds;
import dev.palimpsest.results.Interval;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The loss table's statistics against plain loops over resampled windows. */
class LossStatisticsTest {
  private static final int CLEAN = 0;
  private static final int ZERO = 1;
  private static final int CODER = 2;
  private static final int REWRITE = 3;
  private static final int RESAMPLES = 500;
  private static final long SEED = 5;

  @Test
  void recoversFromAnyFloorAndExplainsVariance() {
    // Un-spliced, zero latents, coder, another floor and a rewrite, in two windows of one token.
    LossTable table = new LossTable(5);
    table.append(
        new int[] {1, 1},
        new long[] {0, 1},
        new double[][] {{1, 1}, {3, 3}, {1, 1}, {2, 2}, {1.5, 1.5}},
        new double[5][2],
        new double[][] {{0, 0}, {9, 9}, {1, 1}, {6, 2}, {2, 0}});
    LossStatistics statistics = new LossStatistics(table, 0, 1, 2, 100, 1);
    assertThat(statistics.lossRecovered(4)).hasValue(.75);
    assertThat(statistics.lossRecovered(4, 3)).hasValue(.5);
    assertThat(statistics.lossRecoveredInterval(4, 3)).hasValue(new Interval(.5, .5));
    assertThat(statistics.varianceExplained(4, 3)).hasValue(.75);
  }

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

  /**
   * A window's difference is the sum of one part that its document shares and one of its own, of
   * equal variance: correlation 0.5 within documents. An interval that takes windows for
   * independent covers the truth in half of the cases only.
   */
  @ParameterizedTest
  @ValueSource(ints = {1, 4, 16})
  void intervalsHoldTheTruthAsOftenAsTheySay(int windowsOfADocument) {
    int documents = 40;
    int trials = 1000;
    int covered = 0;
    for (int trial = 0; trial < trials; trial++) {
      SplittableRandom random = Seeds.stream(8, "test.coverage", trial);
      int windows = documents * windowsOfADocument;
      LossTable table = new LossTable(4);
      long[] documentOf = new long[windows];
      int[] tokens = new int[windows];
      double[] shared = new double[documents];
      Arrays.setAll(shared, d -> random.nextGaussian());
      // The windows of a document need not follow each other.
      Arrays.setAll(documentOf, w -> w % documents);
      Arrays.fill(tokens, 10);
      table.append(tokens, documentOf);
      for (int w = 0; w < windows; w++) {
        double clean = 3 + random.nextDouble();
        table.add(CLEAN, w, 10 * clean, 0);
        table.add(
            REWRITE, w, 10 * (clean + 0.25 + shared[w % documents] + random.nextGaussian()), 0);
      }
      LossStatistics statistics = new LossStatistics(table, CLEAN, ZERO, CODER, 400, trial);
      assertThat(statistics.documents()).isEqualTo(documents);
      covered += statistics.deltaInterval(REWRITE).orElseThrow().contains(0.25) ? 1 : 0;
    }
    assertThat((double) covered / trials).isBetween(0.92, 0.98);
  }

  /** Under the null hypothesis a test at 5 % rejects in 5 of 100 cases, not in 60. */
  @Test
  void testsRejectAsOftenAsTheySay() {
    int documents = 40;
    int rejected = 0;
    for (int trial = 0; trial < 1000; trial++) {
      SplittableRandom random = Seeds.stream(9, "test.level", trial);
      LossTable table = new LossTable(4);
      int[] tokens = new int[documents * 16];
      long[] documentOf = new long[tokens.length];
      Arrays.fill(tokens, 10);
      Arrays.setAll(documentOf, w -> w / 16);
      table.append(tokens, documentOf);
      double shared = 0;
      for (int w = 0; w < tokens.length; w++) {
        shared = w % 16 == 0 ? random.nextGaussian() : shared;
        table.add(REWRITE, w, 30 + shared + random.nextGaussian(), 0);
        table.add(ZERO, w, 30, 0);
      }
      LossStatistics statistics = new LossStatistics(table, CLEAN, ZERO, CODER, 1, trial);
      rejected += statistics.pValue(REWRITE, ZERO).orElseThrow() < 0.05 ? 1 : 0;
    }
    assertThat(rejected / 1000.0).isBetween(0.03, 0.07);
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
    int first = table.append(tokens, LongStream.range(0, tokens.length).toArray());
    for (int v = 0; v < sums.length; v++) {
      for (int w = 0; w < tokens.length; w++) {
        table.add(v, first + w, sums[v][w], 2 * sums[v][w]);
      }
    }
    return table;
  }
}
