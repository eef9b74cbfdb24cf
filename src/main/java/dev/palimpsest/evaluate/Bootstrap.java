package dev.palimpsest.evaluate;

import dev.palimpsest.base.Seeds;
import dev.palimpsest.results.Interval;
import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * The bootstrap over windows (Efron 1979): percentile intervals from windows drawn with
 * replacement.
 */
final class Bootstrap {
  private Bootstrap() {}

  /**
   * Sums of several series over the same resamples of their windows, so that ratios and differences
   * stay paired.
   *
   * @param series [S, W], a value for each window
   * @param resamples R
   * @return [S, R]
   */
  static double[][] sums(double[][] series, int resamples, long seed) {
    int windows = series.length == 0 ? 0 : series[0].length;
    double[][] sums = new double[series.length][resamples];
    int[] times = new int[windows];
    for (int r = 0; r < resamples; r++) {
      SplittableRandom random = Seeds.stream(seed, "rewrite-bootstrap", r);
      Arrays.fill(times, 0);
      for (int w = 0; w < windows; w++) {
        times[random.nextInt(windows)]++;
      }
      for (int s = 0; s < series.length; s++) {
        sums[s][r] = dot(times, series[s]);
      }
    }
    return sums;
  }

  /**
   * The central 95 % of resampled statistics.
   *
   * @return empty where any of them is not finite, or there are none
   */
  static Optional<Interval> interval95(double[] statistics) {
    if (statistics.length == 0 || !Arrays.stream(statistics).allMatch(Double::isFinite)) {
      return Optional.empty();
    }
    double[] sorted = statistics.clone();
    Arrays.sort(sorted);
    return Optional.of(new Interval(quantile(sorted, 0.025), quantile(sorted, 0.975)));
  }

  /**
   * The q-quantile of ascending values, linear between order statistics (Hyndman &amp; Fan's type
   * 7).
   */
  static double quantile(double[] sorted, double q) {
    double place = q * (sorted.length - 1);
    int below = (int) Math.floor(place);
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
  }

  private static double dot(int[] times, double[] values) {
    double sum = 0;
    for (int w = 0; w < times.length; w++) {
      sum += times[w] * values[w];
    }
    return sum;
  }
}
