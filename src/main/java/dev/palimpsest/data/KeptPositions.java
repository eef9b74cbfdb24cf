package dev.palimpsest.data;

import dev.palimpsest.model.TokenBatch;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * The positions of a batch that are not excluded, and the copying of their rows out of and into
 * [rows, T, d] tensors. One object serves any number of batches without allocating.
 */
public final class KeptPositions {
  private static final int FLOAT_BYTES = Float.BYTES;

  private final ExcludedTokens excluded;
  private int[] positions = new int[0];
  private int count;

  /**
   * @param excluded tokens whose positions are left out
   */
  public KeptPositions(ExcludedTokens excluded) {
    this.excluded = excluded;
  }

  /**
   * Looks at a batch.
   *
   * @param limit positions after the first {@code limit} (row-major) are left out too
   * @return how many positions are kept
   */
  public int select(TokenBatch batch, int limit) {
    int[] ids = batch.ids();
    if (positions.length < ids.length) {
      positions = new int[ids.length];
    }
    count = 0;
    int end = Math.min(limit, ids.length);
    for (int i = 0; i < end; i++) {
      if (!excluded.contains(ids[i])) {
        positions[count++] = i;
      }
    }
    return count;
  }

  /** {@link #select(TokenBatch, int)} without a limit. */
  public int select(TokenBatch batch) {
    return select(batch, Integer.MAX_VALUE);
  }

  /** How many positions are kept. */
  public int count() {
    return count;
  }

  /** The i-th kept position, row × T + column, ascending in i. */
  public int position(int i) {
    return positions[i];
  }

  /**
   * Copies the kept rows together.
   *
   * @param from float32 [rows × T, width]
   * @param into float32 [count, width]
   */
  public void gather(FloatPointer from, int width, FloatPointer into) {
    copy(from, into, width, true);
  }

  /**
   * Copies rows to the kept positions; others stay as they are.
   *
   * @param from float32 [count, width]
   * @param into float32 [rows × T, width]
   */
  public void scatter(FloatPointer from, int width, FloatPointer into) {
    copy(from, into, width, false);
  }

  /** Neighbouring positions are copied at once. */
  private void copy(FloatPointer from, FloatPointer into, int width, boolean gather) {
    int i = 0;
    while (i < count) {
      int run = 1;
      while (i + run < count && positions[i + run] == positions[i] + run) {
        run++;
      }
      long loose = (long) positions[i] * width;
      long dense = (long) i * width;
      // memcpy takes a pointer's position for bytes, so the offset goes into the address; views,
      // not to be closed
      Pointer source = from.getPointer(gather ? loose : dense);
      Pointer target = into.getPointer(gather ? dense : loose);
      Pointer.memcpy(target, source, (long) run * width * FLOAT_BYTES);
      i += run;
    }
  }
}
