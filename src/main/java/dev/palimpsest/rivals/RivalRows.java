package dev.palimpsest.rivals;

import dev.palimpsest.latents.LatentBatch;
import java.util.function.Supplier;

/**
 * The positions at which rivals predict, and what they may look at.
 *
 * @param contexts by row, the token ids of its window; only those up to the position are looked at
 * @param positions by row, 0-based
 * @param width d
 * @param inputs gives what the module reads there [rows, d]
 */
@SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
public record RivalRows(int[][] contexts, int[] positions, int width, Supplier<float[]> inputs) {
  /** Their number. */
  public int count() {
    return positions.length;
  }

  /** The kept positions of a batch. */
  static RivalRows of(LatentBatch batch, int width) {
    int count = batch.kept().length;
    int[][] contexts = new int[count][];
    int[] positions = new int[count];
    int row = -1;
    int[] context = new int[0];
    for (int i = 0; i < count; i++) {
      if (batch.kept()[i] / batch.length() != row) {
        row = batch.kept()[i] / batch.length();
        context = batch.row(row);
      }
      contexts[i] = context;
      positions[i] = batch.kept()[i] % batch.length();
    }
    return new RivalRows(contexts, positions, width, batch::inputs);
  }
}
