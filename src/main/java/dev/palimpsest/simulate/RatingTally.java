package dev.palimpsest.simulate;

import java.util.Arrays;

/**
 * What a calibration needs to know of one latent's ratings: for each that occurred how often it
 * did, at how many of those tokens the latent fired, and the sum of the true activations there. Of
 * more than {@link #MOST_LEVELS} different ratings neighbours are pooled; scorecards have far
 * fewer.
 */
final class RatingTally {
  /**
   * Different ratings that are told apart, so that memory is bounded whatever a simulator says.
   * Beyond, neighbouring pairs become one at their mean rating: 512 levels at least remain, which
   * shifts a rating by about one 500th of its range.
   */
  static final int MOST_LEVELS = 1024;

  private float[] ratings = new float[4];
  private long[] counts = new long[4];
  private double[] sums = new double[4];
  private long[] fired = new long[4];
  private int levels;

  /**
   * Counts {@code count} tokens with this rating, at {@code firing} of which the latent fires, with
   * activations that add up to {@code sum}.
   */
  void add(float rating, long count, long firing, double sum) {
    int at = Arrays.binarySearch(ratings, 0, levels, rating);
    if (at < 0) {
      if (levels == MOST_LEVELS) {
        poolPairs();
        at = Arrays.binarySearch(ratings, 0, levels, rating);
      }
      if (at < 0) {
        at = -at - 1;
        insert(at, rating);
      }
    }
    counts[at] += count;
    sums[at] += sum;
    fired[at] += firing;
  }

  /** Adds another latent's tally with its activations multiplied by {@code factor}. */
  void add(RatingTally other, double factor) {
    for (int i = 0; i < other.levels; i++) {
      add(other.ratings[i], other.counts[i], other.fired[i], factor * other.sums[i]);
    }
  }

  int levels() {
    return levels;
  }

  /** Copies the levels, in order, to four arrays from a place on. */
  void save(int at, long[] ratingBits, long[] countsOut, long[] firedOut, double[] sumsOut) {
    for (int i = 0; i < levels; i++) {
      ratingBits[at + i] = Float.floatToRawIntBits(ratings[i]);
    }
    System.arraycopy(counts, 0, countsOut, at, levels);
    System.arraycopy(fired, 0, firedOut, at, levels);
    System.arraycopy(sums, 0, sumsOut, at, levels);
  }

  /** The tally that was saved. */
  static RatingTally restore(
      int at, int levels, long[] ratingBits, long[] counts, long[] fired, double[] sums) {
    RatingTally tally = new RatingTally();
    tally.levels = levels;
    tally.ratings = new float[Math.max(4, levels)];
    for (int i = 0; i < levels; i++) {
      tally.ratings[i] = Float.intBitsToFloat((int) ratingBits[at + i]);
    }
    tally.counts = Arrays.copyOf(Arrays.copyOfRange(counts, at, at + levels), Math.max(4, levels));
    tally.fired = Arrays.copyOf(Arrays.copyOfRange(fired, at, at + levels), Math.max(4, levels));
    tally.sums = Arrays.copyOf(Arrays.copyOfRange(sums, at, at + levels), Math.max(4, levels));
    return tally;
  }

  /** Whether nothing was counted. */
  boolean isEmpty() {
    return levels == 0;
  }

  /** The monotone regression of the true activation on rating. */
  CalibrationMap conditionalMean() {
    double[] weights = new double[levels];
    for (int i = 0; i < levels; i++) {
      weights[i] = counts[i];
    }
    return new CalibrationMap(Arrays.copyOf(ratings, levels), isotonic(weights, sums));
  }

  /**
   * The monotone regression of firing or not on rating, times that of the activation on rating over
   * the tokens at which the latent fires (linear between ratings at which it did). Both ascend, so
   * their product does.
   */
  CalibrationMap hurdle() {
    double[] weights = new double[levels];
    double[] firing = new double[levels];
    float[] firingRatings = new float[levels];
    double[] firingSums = new double[levels];
    double[] firingWeights = new double[levels];
    int known = 0;
    for (int i = 0; i < levels; i++) {
      weights[i] = counts[i];
      firing[i] = fired[i];
      if (fired[i] > 0) {
        firingRatings[known] = ratings[i];
        firingWeights[known] = fired[i];
        firingSums[known] = sums[i];
        known++;
      }
    }
    float[] activations = new float[levels];
    if (known > 0) {
      float[] chance = isotonic(weights, firing);
      CalibrationMap strength =
          new CalibrationMap(
              Arrays.copyOf(firingRatings, known),
              isotonic(Arrays.copyOf(firingWeights, known), firingSums));
      for (int i = 0; i < levels; i++) {
        activations[i] = chance[i] * strength.apply(ratings[i]);
      }
    }
    return new CalibrationMap(Arrays.copyOf(ratings, levels), activations);
  }

  /**
   * Isotonic regression by pooling adjacent violators (Ayer et al. 1955): blocks of neighbouring
   * levels are merged until their means ascend.
   *
   * @param weights of the levels
   * @param totals weight times value of each
   * @return the fitted values, at least 0
   */
  private static float[] isotonic(double[] weights, double[] totals) {
    int levels = weights.length;
    double[] blockCount = new double[levels];
    double[] blockSum = new double[levels];
    int[] blockEnd = new int[levels];
    int blocks = 0;
    for (int level = 0; level < levels; level++) {
      blockCount[blocks] = weights[level];
      blockSum[blocks] = totals[level];
      blockEnd[blocks] = level + 1;
      blocks++;
      while (blocks > 1
          && blockSum[blocks - 2] * blockCount[blocks - 1]
              >= blockSum[blocks - 1] * blockCount[blocks - 2]) {
        blocks--;
        blockCount[blocks - 1] += blockCount[blocks];
        blockSum[blocks - 1] += blockSum[blocks];
        blockEnd[blocks - 1] = blockEnd[blocks];
      }
    }
    float[] fitted = new float[levels];
    int level = 0;
    for (int block = 0; block < blocks; block++) {
      float mean = (float) Math.max(0, blockSum[block] / blockCount[block]);
      while (level < blockEnd[block]) {
        fitted[level++] = mean;
      }
    }
    return fitted;
  }

  /**
   * The mean of the true activations' quantile function, zeros included, over each rating's
   * interval of ranks.
   *
   * @param fired the true activations above 0; the tokens that were counted and are not among them
   *     are the zeros
   */
  CalibrationMap quantile(RankedActivations fired) {
    long rank = fired.count();
    for (int level = 0; level < levels; level++) {
      rank -= counts[level];
    }
    float[] activations = new float[levels];
    float least = 0;
    for (int level = 0; level < levels; level++) {
      long next = rank + counts[level];
      double sum = fired.sumOfSmallest(Math.max(0, next)) - fired.sumOfSmallest(Math.max(0, rank));
      // Differences of long sums may fall a rounding below the level before.
      least = Math.max(least, (float) (sum / counts[level]));
      activations[level] = least;
      rank = next;
    }
    return new CalibrationMap(Arrays.copyOf(ratings, levels), activations);
  }

  private void poolPairs() {
    int pooled = 0;
    for (int i = 0; i < levels; i += 2) {
      int j = Math.min(i + 1, levels - 1);
      long count = i == j ? counts[i] : counts[i] + counts[j];
      double mean =
          count == 0
              ? ratings[i]
              : ((double) ratings[i] * counts[i] + (i == j ? 0 : (double) ratings[j] * counts[j]))
                  / count;
      double sum = i == j ? sums[i] : sums[i] + sums[j];
      ratings[pooled] = (float) mean;
      counts[pooled] = count;
      sums[pooled] = sum;
      fired[pooled] = i == j ? fired[i] : fired[i] + fired[j];
      pooled++;
    }
    levels = pooled;
  }

  private void insert(int at, float rating) {
    if (levels == ratings.length) {
      ratings = Arrays.copyOf(ratings, 2 * levels);
      counts = Arrays.copyOf(counts, 2 * levels);
      sums = Arrays.copyOf(sums, 2 * levels);
      fired = Arrays.copyOf(fired, 2 * levels);
    }
    System.arraycopy(ratings, at, ratings, at + 1, levels - at);
    System.arraycopy(counts, at, counts, at + 1, levels - at);
    System.arraycopy(sums, at, sums, at + 1, levels - at);
    System.arraycopy(fired, at, fired, at + 1, levels - at);
    ratings[at] = rating;
    counts[at] = 0;
    sums[at] = 0;
    fired[at] = 0;
    levels++;
  }
}
