package dev.palimpsest.text;

import dev.palimpsest.base.Seeds;

/**
 * A pseudo-random permutation of 0 … size - 1 that is computed, not stored: any place of it costs
 * the same few operations, so an order of billions of windows takes no memory and can be resumed
 * anywhere.
 *
 * <p>A balanced Feistel network over the smallest 4^h ≥ size, walked until it lands inside the
 * range (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002, method "cycle walking").
 */
final class Permutation {
  private static final int ROUNDS = 6;

  private final long size;
  private final int halfBits;
  private final long mask;
  private final long[] keys = new long[ROUNDS];

  /**
   * @param size at least 1
   * @param key chooses the permutation
   */
  Permutation(long size, long key) {
    if (size < 1) {
      throw new IllegalArgumentException("a permutation of " + size + " elements");
    }
    this.size = size;
    int bits = 64 - Long.numberOfLeadingZeros(Math.max(1, size - 1));
    this.halfBits = (bits + 1) / 2;
    this.mask = (1L << halfBits) - 1;
    for (int round = 0; round < ROUNDS; round++) {
      keys[round] = Seeds.mix(key, round);
    }
  }

  /** Where {@code index} goes; both in 0 … size - 1. */
  long at(long index) {
    if (index < 0 || index >= size) {
      throw new IndexOutOfBoundsException("index " + index + " of a permutation of " + size);
    }
    long value = index;
    do {
      value = encrypt(value);
    } while (value >= size);
    return value;
  }

  private long encrypt(long value) {
    long left = value >>> halfBits;
    long right = value & mask;
    for (long key : keys) {
      long next = left ^ (Seeds.mix(key, right) & mask);
      left = right;
      right = next;
    }
    return (left << halfBits) | right;
  }
}
