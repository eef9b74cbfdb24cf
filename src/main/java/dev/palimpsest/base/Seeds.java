package dev.palimpsest.base;

import java.util.SplittableRandom;

/**
 * Independent, reproducible random streams derived from one seed and the names of what they are
 * for.
 */
public final class Seeds {
  private Seeds() {}

  /**
   * A 64-bit hash of a seed and any number of 64-bit words (SplitMix64 finaliser, Steele et al.
   * 2014).
   */
  public static long mix(long seed, long... words) {
    long state = finish(seed + 0x9E3779B97F4A7C15L);
    for (long word : words) {
      state = finish((state ^ word) + 0x9E3779B97F4A7C15L);
    }
    return state;
  }

  /**
   * The stream named {@code purpose} of a seed: the same name gives the same numbers on every
   * machine.
   */
  public static SplittableRandom stream(long seed, String purpose, long... words) {
    long name = 0;
    for (int i = 0; i < purpose.length(); i++) {
      name = finish(name + purpose.charAt(i) + 0x9E3779B97F4A7C15L);
    }
    return new SplittableRandom(mix(mix(seed, name), words));
  }

  private static long finish(long z) {
    long a = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    long b = (a ^ (a >>> 27)) * 0x94D049BB133111EBL;
    return b ^ (b >>> 31);
  }
}
