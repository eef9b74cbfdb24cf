package dev.palimpsest.rewrite;

import java.util.Arrays;

/**
 * Rows of (latent, value) pairs, each row as long as it needs to be; reused from batch to batch.
 */
final class SparseRows {
  private int[] starts = new int[] {0};
  private int rows;
  private int[] latents = new int[1024];
  private float[] values = new float[1024];
  private int size;

  /** Forgets all rows. */
  void clear() {
    rows = 0;
    size = 0;
  }

  /** Adds a pair to the row under construction. */
  void add(int latent, float value) {
    if (size == latents.length) {
      latents = Arrays.copyOf(latents, 2 * size);
      values = Arrays.copyOf(values, 2 * size);
    }
    latents[size] = latent;
    values[size++] = value;
  }

  /** Ends the row under construction; the next pair belongs to the next row. */
  void endRow() {
    if (rows + 2 > starts.length) {
      starts = Arrays.copyOf(starts, 2 * starts.length + 1);
    }
    starts[++rows] = size;
  }

  /** Ends rows until the row under construction is {@code row}; rows passed over stay empty. */
  void startRow(int row) {
    while (rows < row) {
      endRow();
    }
  }

  int rows() {
    return rows;
  }

  /** Index of the first pair of a row; {@code start(rows())} is the end of the last. */
  int start(int row) {
    return starts[row];
  }

  int latent(int pair) {
    return latents[pair];
  }

  float value(int pair) {
    return values[pair];
  }

  /** Pairs of the longest row among rows {@code from} (inclusive) to {@code to} (exclusive). */
  int width(int from, int to) {
    int width = 0;
    for (int r = from; r < to; r++) {
      width = Math.max(width, starts[r + 1] - starts[r]);
    }
    return width;
  }

  /** Copies rows into dense arrays [to - from, width], padded with latent 0, value 0. */
  void pad(int from, int to, int width, float[] valuesOut, int[] latentsOut) {
    for (int r = from; r < to; r++) {
      int length = starts[r + 1] - starts[r];
      int at = (r - from) * width;
      System.arraycopy(values, starts[r], valuesOut, at, length);
      System.arraycopy(latents, starts[r], latentsOut, at, length);
      Arrays.fill(valuesOut, at + length, at + width, 0f);
      Arrays.fill(latentsOut, at + length, at + width, 0);
    }
  }
}
