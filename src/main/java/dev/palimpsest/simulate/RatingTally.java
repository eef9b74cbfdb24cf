package dev.palimpsest.simulate;

import java.util.Arrays;

/**
 * What a calibration needs to know of one latent: for each rating that occurred how often it did
 * and the sum of the true activations there, and all true activations above 0.
 */
final class RatingTally {
  private float[] ratings = new float[8];
  private long[] counts = new long[8];
  private double[] sums = new double[8];
  private int levels;
  private float[] fired = new float[16];
  private int firings;

  /** Counts {@code count} tokens with this rating whose activations add up to {@code sum}. */
  void add(float rating, long count, double sum) {
    int at = Arrays.binarySearch(ratings, 0, levels, rating);
    if (at < 0) {
      at = -at - 1;
      insert(at, rating);
    }
    counts[at] += count;
    sums[at] += sum;
  }

  /** Notes one true activation above 0. */
  void fire(float activation) {
    if (firings == fired.length) {
      fired = Arrays.copyOf(fired, 2 * firings);
    }
    fired[firings++] = activation;
  }

  /** Adds another latent's tally with its activations multiplied by {@code factor}. */
  void add(RatingTally other, double factor) {
    for (int i = 0; i < other.levels; i++) {
      add(other.ratings[i], other.counts[i], factor * other.sums[i]);
    }
    for (int i = 0; i < other.firings; i++) {
      fire((float) (factor * other.fired[i]));
    }
  }

  /** Tokens with an activation above 0. */
  int firings() {
    return firings;
  }

  /**
   * Isotonic regression by pooling adjacent violators (Ayer et al. 1955): blocks of neighbouring
   * ratings are merged until their mean activations ascend.
   */
  CalibrationMap conditionalMean() {
    double[] blockCount = new double[levels];
    double[] blockSum = new double[levels];
    int[] blockEnd = new int[levels];
    int blocks = 0;
    for (int level = 0; level < levels; level++) {
      blockCount[blocks] = counts[level];
      blockSum[blocks] = sums[level];
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
    float[] activations = new float[levels];
    int level = 0;
    for (int block = 0; block < blocks; block++) {
      float mean = (float) Math.max(0, blockSum[block] / blockCount[block]);
      while (level < blockEnd[block]) {
        activations[level++] = mean;
      }
    }
    return new CalibrationMap(Arrays.copyOf(ratings, levels), activations);
  }

  /**
   * The mean of the true activations' quantile function, zeros included, over each rating's
   * interval of ranks.
   */
  CalibrationMap quantile() {
    float[] sorted = Arrays.copyOf(fired, firings);
    Arrays.sort(sorted);
    double[] sumUpTo = new double[firings + 1];
    for (int i = 0; i < firings; i++) {
      sumUpTo[i + 1] = sumUpTo[i] + sorted[i];
    }
    long rank = firings;
    for (int level = 0; level < levels; level++) {
      rank -= counts[level];
    }
    float[] activations = new float[levels];
    for (int level = 0; level < levels; level++) {
      long next = rank + counts[level];
      double sum = sumUpTo[(int) Math.max(0, next)] - sumUpTo[(int) Math.max(0, rank)];
      activations[level] = (float) (sum / counts[level]);
      rank = next;
    }
    return new CalibrationMap(Arrays.copyOf(ratings, levels), activations);
  }

  private void insert(int at, float rating) {
    if (levels == ratings.length) {
      ratings = Arrays.copyOf(ratings, 2 * levels);
      counts = Arrays.copyOf(counts, 2 * levels);
      sums = Arrays.copyOf(sums, 2 * levels);
    }
    System.arraycopy(ratings, at, ratings, at + 1, levels - at);
    System.arraycopy(counts, at, counts, at + 1, levels - at);
    System.arraycopy(sums, at, sums, at + 1, levels - at);
    ratings[at] = rating;
    counts[at] = 0;
    sums[at] = 0;
    levels++;
  }
}
