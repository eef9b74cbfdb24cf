package dev.palimpsest.lexical;

/**
 * Positions grouped by their points, with what was observed there: enough to know exactly what the
 * Poisson quasi-likelihood would be if all had so many points more.
 */
final class PointsHistogram {
  private static final int OFFSET = 64;
  private static final float[] MEAN = new float[2 * OFFSET];
  private static final double[] LOG_MEAN = new double[2 * OFFSET];

  static {
    for (int i = 0; i < MEAN.length; i++) {
      double mean = Math.log1p(Math.exp(i - OFFSET));
      MEAN[i] = (float) mean;
      LOG_MEAN[i] = Math.log(mean);
    }
  }

  private final long[] count = new long[2 * OFFSET];
  private final double[] sum = new double[2 * OFFSET];
  private int lowest = 2 * OFFSET;
  private int highest = -1;
  private long positions;

  /** The rating expected at so many points, ln(1 + e^points). */
  static float mean(int points) {
    return MEAN[clamp(points + OFFSET)];
  }

  /** The points, not rounded, at which a rating is expected. */
  static double pointsOf(double mean) {
    return Math.log(Math.expm1(Math.max(mean, 1e-9)));
  }

  /** Counts one position. */
  void add(int points, float observed) {
    int index = clamp(points + OFFSET);
    count[index]++;
    sum[index] += observed;
    lowest = Math.min(lowest, index);
    highest = Math.max(highest, index);
    positions++;
  }

  /** Forgets all positions. */
  void clear() {
    for (int index = lowest; index <= highest; index++) {
      count[index] = 0;
      sum[index] = 0;
    }
    lowest = 2 * OFFSET;
    highest = -1;
    positions = 0;
  }

  /**
   * The change of points, in a range, that gains most likelihood; 0 if none gains.
   *
   * @param prior weight of imagined observations, at the points typical of the group, that are as
   *     expected without a change
   */
  int bestChange(int least, int most, double prior) {
    double expected = 0;
    for (int index = lowest; index <= highest; index++) {
      expected += count[index] * (double) MEAN[index];
    }
    int typical = clamp(OFFSET + (int) Math.round(pointsOf(expected / positions)));
    int best = 0;
    double highestGain = 0;
    for (int change = least; change <= most; change++) {
      double ratio = LOG_MEAN[clamp(typical + change)] - LOG_MEAN[typical];
      double gain = gain(change) - prior * (Math.expm1(ratio) - ratio);
      if (gain > highestGain) {
        highestGain = gain;
        best = change;
      }
    }
    return best;
  }

  private double gain(int change) {
    double gain = 0;
    for (int index = lowest; index <= highest; index++) {
      if (count[index] > 0) {
        int other = clamp(index + change);
        gain +=
            sum[index] * (LOG_MEAN[other] - LOG_MEAN[index])
                - count[index] * (double) (MEAN[other] - MEAN[index]);
      }
    }
    return gain;
  }

  private static int clamp(int index) {
    return Math.max(0, Math.min(2 * OFFSET - 1, index));
  }
}
