package dev.palimpsest.latents;

import java.util.Arrays;

/**
 * The true activations of a few windows, in heap memory.
 *
 * <p>Position p of row r is number r × length + p; the kept positions (those whose tokens are not
 * excluded) each have k slots, of which those with a value above 0 count.
 *
 * @param firstRow number of the batch's first row in the whole stream
 * @param rows windows in the batch
 * @param length tokens of a window
 * @param tokens [rows × length]
 * @param kept [n] kept positions, ascending
 * @param k slots of a kept position
 * @param latents [n × k]
 * @param activations [n × k]
 * @param outputs [n × d] the module's outputs; empty where they were not asked for
 * @param inputs [n × d] what the coder reads; given where outputs beyond the skip connection are
 */
@SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
public record LatentBatch(
    long firstRow,
    int rows,
    int length,
    int[] tokens,
    int[] kept,
    int k,
    int[] latents,
    float[] activations,
    float[] outputs,
    float[] inputs) {
  /** Without inputs. */
  public LatentBatch(
      long firstRow,
      int rows,
      int length,
      int[] tokens,
      int[] kept,
      int k,
      int[] latents,
      float[] activations,
      float[] outputs) {
    this(firstRow, rows, length, tokens, kept, k, latents, activations, outputs, new float[0]);
  }

  /** The tokens of one of the batch's rows, copied. */
  public int[] row(int row) {
    return Arrays.copyOfRange(tokens, row * length, (row + 1) * length);
  }
}
