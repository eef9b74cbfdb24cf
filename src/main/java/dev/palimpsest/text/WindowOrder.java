package dev.palimpsest.text;

import dev.palimpsest.base.Seeds;

/**
 * The order in which windows are read: a seeded permutation, a new one for every pass over the
 * text. Position p belongs to pass p / size. Stateless, so that a killed run resumes at any
 * position without reading what went before.
 */
public final class WindowOrder {
  private final long size;
  private final long seed;
  private volatile Pass pass;

  private record Pass(long number, Permutation permutation) {}

  /**
   * @param size number of windows, at least 1
   * @param seed the same seed gives the same order on every machine
   */
  public WindowOrder(long size, long seed) {
    this.size = size;
    this.seed = seed;
    this.pass = newPass(0);
  }

  /** The window, 0 … size - 1, at a position, 0 or more. */
  public long at(long position) {
    if (position < 0) {
      throw new IndexOutOfBoundsException("position " + position);
    }
    long number = position / size;
    Pass current = pass;
    if (current.number() != number) {
      current = newPass(number);
      pass = current;
    }
    return current.permutation().at(position % size);
  }

  private Pass newPass(long number) {
    return new Pass(number, new Permutation(size, Seeds.mix(seed, 0x4F52444552L, number)));
  }
}
