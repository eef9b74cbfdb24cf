package dev.palimpsest.bench;

import java.util.Arrays;

/**
 * Milliseconds of repeated runs of one thing.
 *
 * @param median the middle run
 * @param low the 10th percentile
 * @param high the 90th percentile
 * @param best the fastest run
 */
public record Timings(double median, double low, double high, double best) {
  static Timings of(double[] milliseconds) {
    double[] sorted = milliseconds.clone();
    Arrays.sort(sorted);
    return new Timings(
        quantile(sorted, 0.5), quantile(sorted, 0.1), quantile(sorted, 0.9), sorted[0]);
  }

  /** Milliseconds that some work takes. */
  static double time(Runnable work) {
    long start = System.nanoTime();
    work.run();
    return (System.nanoTime() - start) / 1e6;
  }

  /**
   * Milliseconds of the second of two runs. The first finds caches as other work has left them, and
   * processors that still wait for that work's threads; repeated work, as in training, does not.
   */
  static double timeAgain(Runnable work) {
    work.run();
    return time(work);
  }

  /** The median of above / below, pair by pair. */
  static double medianRatio(double[] above, double[] below) {
    double[] ratios = new double[above.length];
    for (int i = 0; i < ratios.length; i++) {
      ratios[i] = above[i] / below[i];
    }
    return of(ratios).median();
  }

  private static double quantile(double[] sorted, double q) {
    double place = q * (sorted.length - 1);
    int below = (int) place;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
  }
}
