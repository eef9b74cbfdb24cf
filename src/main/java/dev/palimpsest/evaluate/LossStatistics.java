package dev.palimpsest.evaluate;

import dev.palimpsest.results.Interval;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * The statistics of a loss table. Means are over tokens (windows weigh by their counted tokens),
 * medians over windows. Intervals and tests take documents, not windows, for independent: intervals
 * come from one set of resampled documents, tests are paired by document, by the sums over its
 * windows.
 */
public final class LossStatistics {
  private final LossTable table;
  private final int clean;
  private final int zero;
  private final int coder;
  private final double[][] byDocument;
  private final double[][] resampled;
  private final double[] resampledTokens;
  private final double[][] windowMeans;

  /**
   * @param clean the un-spliced variant
   * @param zero the variant at which loss recovered is 0: all latents zeroed
   * @param coder the variant at which it is 1: the true coder
   */
  public LossStatistics(LossTable table, int clean, int zero, int coder, int resamples, long seed) {
    this.table = table;
    this.clean = clean;
    this.zero = zero;
    this.coder = coder;
    Documents documents = Documents.of(table.documents());
    byDocument = new double[table.variants() + 1][];
    windowMeans = new double[table.variants()][];
    for (int v = 0; v < table.variants(); v++) {
      byDocument[v] = documents.sums(table.crossEntropy(v));
      windowMeans[v] = table.meanCrossEntropy(v);
    }
    byDocument[table.variants()] =
        documents.sums(Arrays.stream(table.tokens()).asDoubleStream().toArray());
    resampled = Bootstrap.sums(byDocument, resamples, seed);
    resampledTokens = resampled[table.variants()];
  }

  /**
   * The windows by document, documents numbered in the order in which they appear.
   *
   * @param of number of each window's document [W]
   * @param count D
   */
  @SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
  private record Documents(int[] of, int count) {
    static Documents of(long[] documents) {
      Map<Long, Integer> numbers = new HashMap<>();
      int[] of = new int[documents.length];
      for (int w = 0; w < of.length; w++) {
        of[w] = numbers.computeIfAbsent(documents[w], fresh -> numbers.size());
      }
      return new Documents(of, numbers.size());
    }

    double[] sums(double[] byWindow) {
      double[] sums = new double[count];
      for (int w = 0; w < of.length; w++) {
        sums[of[w]] += byWindow[w];
      }
      return sums;
    }
  }

  /** Documents that the windows come from. */
  public int documents() {
    return byDocument[table.variants()].length;
  }

  /** Mean cross-entropy, nats per token. */
  public OptionalDouble ce(int variant) {
    return finite(sum(table.crossEntropy(variant)) / table.totalTokens());
  }

  /** Mean KL(un-spliced ‖ variant), nats per token. */
  public OptionalDouble kl(int variant) {
    return finite(sum(table.divergence(variant)) / table.totalTokens());
  }

  /** Mean difference of cross-entropy to un-spliced. */
  public OptionalDouble deltaMean(int variant) {
    return finite(meanDifference(variant, clean));
  }

  /** 95 % interval of {@link #deltaMean}. */
  public Optional<Interval> deltaInterval(int variant) {
    return differenceInterval(variant, clean);
  }

  /** Median over windows of the window's mean difference to un-spliced. */
  public OptionalDouble deltaMedian(int variant) {
    double[] differences = new double[table.windows()];
    Arrays.setAll(differences, w -> windowMeans[variant][w] - windowMeans[clean][w]);
    if (differences.length == 0 || !Arrays.stream(differences).allMatch(Double::isFinite)) {
      return OptionalDouble.empty();
    }
    Arrays.sort(differences);
    return OptionalDouble.of(Bootstrap.quantile(differences, 0.5));
  }

  /** (CE_zero - CE) / (CE_zero - CE_coder), where the denominator's interval does not contain 0. */
  public OptionalDouble lossRecovered(int variant) {
    return lossRecovered(variant, zero);
  }

  /** The same from another floor than zero latents. */
  public OptionalDouble lossRecovered(int variant, int floor) {
    return denominatorIsClear(floor)
        ? finite(meanDifference(floor, variant) / meanDifference(floor, coder))
        : OptionalDouble.empty();
  }

  /** 95 % interval of {@link #lossRecovered}: the ratio in every resample. */
  public Optional<Interval> lossRecoveredInterval(int variant) {
    return lossRecoveredInterval(variant, zero);
  }

  /** The same from another floor than zero latents. */
  public Optional<Interval> lossRecoveredInterval(int variant, int floor) {
    if (!denominatorIsClear(floor)) {
      return Optional.empty();
    }
    double[] ratios = new double[resampledTokens.length];
    Arrays.setAll(
        ratios,
        r ->
            (resampled[floor][r] - resampled[variant][r])
                / (resampled[floor][r] - resampled[coder][r]));
    return Bootstrap.interval95(ratios);
  }

  /**
   * The share of the output's variance that a variant explains: 1 - its squared error over that of
   * a constant.
   *
   * @param constant the variant whose outputs are the mean output
   */
  public OptionalDouble varianceExplained(int variant, int constant) {
    return finite(1 - sum(table.squaredError(variant)) / sum(table.squaredError(constant)));
  }

  /** Two-sided test of a variant against another, paired by document. */
  public OptionalDouble pValue(int variant, int against) {
    return PairedTest.pValue(byDocument[variant], byDocument[against]);
  }

  private boolean denominatorIsClear(int floor) {
    return differenceInterval(floor, coder).map(ends -> !ends.contains(0)).orElse(false);
  }

  /** Mean cross-entropy of one variant less that of another. */
  public OptionalDouble difference(int a, int b) {
    return finite(meanDifference(a, b));
  }

  private double meanDifference(int a, int b) {
    return (sum(table.crossEntropy(a)) - sum(table.crossEntropy(b))) / table.totalTokens();
  }

  /** 95 % interval of {@link #difference}, paired by document. */
  public Optional<Interval> differenceInterval(int a, int b) {
    double[] differences = new double[resampledTokens.length];
    Arrays.setAll(differences, r -> (resampled[a][r] - resampled[b][r]) / resampledTokens[r]);
    return table.windows() == 0 ? Optional.empty() : Bootstrap.interval95(differences);
  }

  private static double sum(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    return sum;
  }

  private static OptionalDouble finite(double value) {
    return Double.isFinite(value) ? OptionalDouble.of(value) : OptionalDouble.empty();
  }
}
