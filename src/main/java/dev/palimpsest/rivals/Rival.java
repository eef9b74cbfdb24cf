package dev.palimpsest.rivals;

/**
 * Predicts what a module puts out beyond its coder's bias and skip connection, from the tokens of
 * the context alone and without words. Safe for concurrent use.
 */
public interface Rival {
  /**
   * Predicts the output at one position.
   *
   * @param context token ids; only those up to the position are looked at
   * @param position 0-based
   * @param into receives d numbers from {@code offset} on
   */
  void predict(int[] context, int position, float[] into, int offset);
}
