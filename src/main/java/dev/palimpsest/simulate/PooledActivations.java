package dev.palimpsest.simulate;

/**
 * The activations of all latents together, each in units of its latent's maximum: a histogram whose
 * size does not depend on how many there are.
 *
 * <p>A class holds the floats that agree in sign, exponent and the first 11 bits of the fraction,
 * so that the values of a class differ by less than 1 part in 2048. Each class keeps its exact sum;
 * only where a rank falls inside a class is the class's mean taken for its values. So a mean over
 * an interval of ranks is exact but for the parts of two classes at its ends, and always within
 * 1/2048 of the true one.
 */
final class PooledActivations implements RankedActivations {
  private static final int DROPPED_BITS = 12;
  private static final int CLASSES = 1 << (31 - DROPPED_BITS);

  private final long[] counts = new long[CLASSES];
  private final double[] sums = new double[CLASSES];
  private long[] countUpTo = new long[0];
  private double[] sumUpTo = new double[0];

  /** Adds one activation above 0, in units of its latent's maximum. */
  void add(float activation) {
    int at = Float.floatToRawIntBits(activation) >>> DROPPED_BITS;
    counts[at]++;
    sums[at] += activation;
    countUpTo = new long[0];
  }

  @Override
  public long count() {
    rank();
    return countUpTo[CLASSES];
  }

  @Override
  public double sumOfSmallest(long rank) {
    rank();
    int low = 0;
    int high = CLASSES;
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      if (countUpTo[middle] <= rank) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    long rest = rank - countUpTo[low];
    return rest == 0 ? sumUpTo[low] : sumUpTo[low] + rest * (sums[low] / counts[low]);
  }

  private void rank() {
    if (countUpTo.length > 0) {
      return;
    }
    countUpTo = new long[CLASSES + 1];
    sumUpTo = new double[CLASSES + 1];
    for (int i = 0; i < CLASSES; i++) {
      countUpTo[i + 1] = countUpTo[i] + counts[i];
      sumUpTo[i + 1] = sumUpTo[i] + sums[i];
    }
  }
}
