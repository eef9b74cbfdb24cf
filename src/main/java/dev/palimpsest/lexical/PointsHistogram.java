package dev.palimpsest.lexical;

/**
 * Positions grouped by a number of points, with what was observed there: enough to know exactly
 * what the squared error, and the Poisson quasi-likelihood, would be at so many points more.
 */
final class PointsHistogram {
  private static final int OFFSET = 64;
  private static final float[] MEAN = new float[2 * OFFSET];

  static {
    for (int i = 0; i < MEAN.length; i++) {
      MEAN[i] = Scorecard.rating(i - OFFSET);
    }
  }

  private final double[] count = new double[2 * OFFSET];
  private final double[] sum = new double[2 * OFFSET];
  private int lowest = 2 * OFFSET;
  private int highest = -1;
  private double weight;

  /** The rating expected at so many points. */
  static float mean(int points) {
    return MEAN[clamp(points + OFFSET)];
  }

  /** The points, not rounded, at which a rating is expected. */
  static double pointsOf(double mean) {
    return Math.log(Math.expm1(Math.max(mean, 1e-9)));
  }

  /**
   * Counts positions of the same points.
   *
   * @param several how much they weigh together
   * @param observed the weighted sum there
   */
  void add(int points, double several, double observed) {
    int index = clamp(points + OFFSET);
    count[index] += several;
    sum[index] += observed;
    lowest = Math.min(lowest, index);
    highest = Math.max(highest, index);
    weight += several;
  }

  /** Forgets all positions. */
  void clear() {
    for (int index = lowest; index <= highest; index++) {
      count[index] = 0;
      sum[index] = 0;
    }
    lowest = 2 * OFFSET;
    highest = -1;
    weight = 0;
  }

  /** What the positions counted weigh together. */
  double weight() {
    return weight;
  }

  /** The squared error with so many points more, less what does not depend on them. */
  double error(int change) {
    double error = 0;
    for (int index = lowest; index <= highest; index++) {
      if (count[index] > 0) {
        double mean = MEAN[clamp(index + change)];
        error += mean * (count[index] * mean - 2 * sum[index]);
      }
    }
    return error;
  }

  private static int clamp(int index) {
    return Math.max(0, Math.min(2 * OFFSET - 1, index));
  }
}
