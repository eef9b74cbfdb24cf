package dev.palimpsest.model;

import java.util.Arrays;

/**
 * Rows of token ids of equal length.
 *
 * @param rows how many sequences, B
 * @param length tokens in each, T
 * @param ids B × T ids, row-major
 */
@SuppressWarnings(
    "ArrayRecordComponent") // a buffer handed over without copies; equality is not asked for
public record TokenBatch(int rows, int length, int[] ids) {
  /** Checks the sizes. */
  public TokenBatch {
    if (rows < 1 || length < 1 || ids.length != (long) rows * length) {
      throw new IllegalArgumentException(
          ids.length + " ids for " + rows + " rows of " + length + " tokens");
    }
  }

  /** One sequence. */
  public static TokenBatch of(int... ids) {
    return new TokenBatch(1, ids.length, ids);
  }

  /** The id at a row and position. */
  public int id(int row, int position) {
    return ids[row * length + position];
  }

  @Override
  public String toString() {
    return "TokenBatch[" + rows + " × " + length + ", " + Arrays.hashCode(ids) + "]";
  }
}
