package dev.palimpsest.coder;

import dev.palimpsest.kernels.HostMemory;
import dev.palimpsest.kernels.Memory;
import dev.palimpsest.kernels.NativeArrays;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;

/**
 * The latents selected for a batch: for each row, k values and k indices. Slots that are not needed
 * hold value 0 and index 0. Memory of the kernels, reused from batch to batch.
 */
public final class SparseActivations implements AutoCloseable {
  private final Memory where;
  private final NativeArrays memory;
  private final int k;
  private final long capacity;
  private final FloatPointer values;
  private final IntPointer indices;
  private long rows;

  /** Room for a batch in the machine's own memory. */
  public SparseActivations(long capacity, int k) {
    this(HostMemory.INSTANCE, capacity, k);
  }

  /**
   * Room for a batch; it holds no row yet.
   *
   * @param where the memory of the kernels that write and read it
   * @param capacity most rows
   * @param k slots per row
   */
  public SparseActivations(Memory where, long capacity, int k) {
    if (capacity < 0 || k < 1) {
      throw new IllegalArgumentException(capacity + " rows of " + k + " slots");
    }
    this.where = where;
    this.memory = new NativeArrays(where);
    this.capacity = capacity;
    this.k = k;
    this.values = memory.floats(capacity * k);
    this.indices = memory.ints(capacity * k);
  }

  /** Slots per row. */
  public int k() {
    return k;
  }

  /** Most rows that fit. */
  public long capacity() {
    return capacity;
  }

  /** Rows held now. */
  public long rows() {
    return rows;
  }

  /** States how many rows are valid, after writing them through the pointers. */
  public void rows(long count) {
    if (count < 0 || count > capacity) {
      throw new IllegalArgumentException(count + " rows in room for " + capacity);
    }
    rows = count;
  }

  /** Values [rows, k]; a view. */
  public FloatPointer values() {
    return values;
  }

  /** Latent indices [rows, k]; a view. */
  public IntPointer indices() {
    return indices;
  }

  /** A heap copy of the values of the first {@code count} rows, [count, k]. */
  public float[] valuesArray(long count) {
    float[] copy = new float[slots(count)];
    where.get(values, copy, copy.length);
    return copy;
  }

  /** A heap copy of the indices of the first {@code count} rows, [count, k]. */
  public int[] indicesArray(long count) {
    int[] copy = new int[slots(count)];
    where.get(indices, copy, copy.length);
    return copy;
  }

  /** Replaces all rows by {@code newValues} and {@code newIndices}, both [count, k]. */
  public void set(float[] newValues, int[] newIndices, long count) {
    int slots = slots(count);
    if (newValues.length < slots || newIndices.length < slots) {
      throw new IllegalArgumentException(
          newValues.length
              + " values and "
              + newIndices.length
              + " indices for "
              + slots
              + " slots");
    }
    where.put(newValues, values, slots);
    where.put(newIndices, indices, slots);
    rows = count;
  }

  /** Bytes held. */
  public long totalBytes() {
    return memory.totalBytes();
  }

  @Override
  public void close() {
    memory.close();
  }

  private int slots(long count) {
    if (count < 0 || count > capacity) {
      throw new IllegalArgumentException(count + " rows in room for " + capacity);
    }
    return Math.toIntExact(count * k);
  }
}
