package dev.palimpsest.simulate;

/** True activations above 0 in ascending order, as far as a calibration needs to know them. */
interface RankedActivations {
  /** How many there are. */
  long count();

  /**
   * The sum of the smallest.
   *
   * @param rank how many of them, 0 … {@link #count()}
   */
  double sumOfSmallest(long rank);
}
