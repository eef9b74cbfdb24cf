package dev.palimpsest.evaluate;

import dev.palimpsest.base.Seeds;
import dev.palimpsest.results.Interval;
import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * The bootstrap over documents (Efron 1979; Davison and Hinkley 1997, section 3.8): percentile
 * intervals from documents drawn with replacement, each with all its windows. Windows of one
 * document resemble each other, so that windows drawn one by one would give intervals that are too
 * narrow.
 */
final class Bootstrap {
  private Bootstrap() {}

  /**
   * Sums of several series over the same resamples of their documents, so that ratios and
   * differences stay paired.
   *
   * @param series [S, D], a sum for each document
   * @param resamples R
   * @return [S, R]
   */
  static double[][] sums(double[][] series, int resamples, long seed) {
    int documents = series.length == 0 ? 0 : series[0].length;
    double[][] sums = new double[series.length][resamples];
    int[] times = new int[documents];
    for (int r = 0; r < resamples; r++) {
      SplittableRandom random = Seeds.stream(seed, "rewrite-bootstrap", r);
      Arrays.fill(times, 0);
      for (int d = 0; d < documents; d++) {
        times[random.nextInt(documents)]++;
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
    for (int d = 0; d < times.length; d++) {
      sum += times[d] * values[d];
    }
    return sum;
  }
}
