package dev.palimpsest.rivals;

/**
 * Predicts what a module puts out beyond its coder's bias and skip connection, without words: from
 * the tokens of the context alone, or ({@link RivalKind#readsInput}) from what the module reads.
 * Safe for concurrent use.
 */
public interface Rival {
  /**
   * Predicts the outputs at some positions.
   *
   * @return [rows, d]
   */
  float[] predict(RivalRows rows);
}
