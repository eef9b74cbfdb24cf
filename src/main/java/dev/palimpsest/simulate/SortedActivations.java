package dev.palimpsest.simulate;

import java.util.Arrays;

/** The activations of one latent, all of them: exact. */
final class SortedActivations implements RankedActivations {
  private final double[] sumUpTo;

  /**
   * @param fired above 0, in any order; sorted in place
   */
  SortedActivations(float[] fired) {
    Arrays.sort(fired);
    sumUpTo = new double[fired.length + 1];
    for (int i = 0; i < fired.length; i++) {
      sumUpTo[i + 1] = sumUpTo[i] + fired[i];
    }
  }

  @Override
  public long count() {
    return sumUpTo.length - 1L;
  }

  @Override
  public double sumOfSmallest(long rank) {
    return sumUpTo[(int) rank];
  }
}
