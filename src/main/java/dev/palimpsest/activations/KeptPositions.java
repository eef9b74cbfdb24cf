package dev.palimpsest.activations;

import dev.palimpsest.kernels.Addresses;
import dev.palimpsest.model.TokenBatch;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.text.ExcludedTokens;
import java.util.Optional;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Tensor;

/**
 * The positions of a batch that are not excluded, and the copying of their rows out of and into
 * [rows, T, d] tensors. One object serves any number of batches, on the CPU without allocating.
 */
public final class KeptPositions implements AutoCloseable {
  private final ExcludedTokens excluded;
  private final int firstPosition;
  private int[] positions = new int[0];
  private int count;
  private final Device device;
  private Optional<Tensor> index = Optional.empty();

  /**
   * @param excluded tokens whose positions are left out
   * @param device where the rows are
   */
  public KeptPositions(ExcludedTokens excluded, Device device) {
    this(excluded, 0, device);
  }

  /**
   * @param excluded tokens whose positions are left out
   * @param firstPosition positions of a window (columns) before it are left out too
   * @param device where the rows are
   */
  public KeptPositions(ExcludedTokens excluded, int firstPosition, Device device) {
    this.excluded = excluded;
    this.firstPosition = firstPosition;
    this.device = device;
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
    forgetIndex();
    count = 0;
    int end = Math.min(limit, ids.length);
    for (int i = 0; i < end; i++) {
      if (i % batch.length() >= firstPosition && !excluded.contains(ids[i])) {
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
   * @param from float32 [rows, T, width], contiguous, on this object's device
   * @param into float32 [count, width], of the same device
   */
  public void gather(Tensor from, FloatPointer into) {
    if (device.isHost()) {
      copy(device.data(from), into, (int) from.size(-1), true);
    } else if (count > 0) {
      device.gather(from, index(), into);
    }
  }

  /**
   * Copies rows to the kept positions; others stay as they are.
   *
   * @param from float32 [count, width], of this object's device
   * @param into float32 [rows, T, width], contiguous, on the same device
   */
  public void scatter(FloatPointer from, Tensor into) {
    if (device.isHost()) {
      copy(from, device.data(into), (int) into.size(-1), false);
    } else if (count > 0) {
      device.scatter(from, index(), into);
    }
  }

  /** The kept positions as a tensor of the device; made once a batch. */
  private Tensor index() {
    if (index.isEmpty()) {
      long[] wide = new long[count];
      for (int i = 0; i < count; i++) {
        wide[i] = positions[i];
      }
      index = Optional.of(device.of(wide, count));
    }
    return index.get();
  }

  private void forgetIndex() {
    index.ifPresent(Tensor::close);
    index = Optional.empty();
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
      device
          .memory()
          .copy(
              Addresses.from(from, gather ? loose : dense),
              Addresses.from(into, gather ? dense : loose),
              (long) run * width);
      i += run;
    }
  }

  @Override
  public void close() {
    forgetIndex();
  }
}
