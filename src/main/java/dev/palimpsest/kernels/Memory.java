package dev.palimpsest.kernels;

import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * The memory that a backend's kernels read and write. Pointers into it may be handed to those
 * kernels, and to the methods here; only where {@link #isHost} may anyone else look behind them.
 *
 * <p>Copies come after all work queued before them. {@code get} and {@code toHost} return when the
 * data has arrived, so each of them waits for the device.
 */
public interface Memory {
  /** Whether the processor reads and writes this memory directly. */
  boolean isHost();

  /** Zeroed bytes at a multiple of 64 (host) or 256; they belong to the caller until freed. */
  Pointer allocate(long bytes);

  /** Gives back what {@link #allocate} gave. */
  void free(Pointer allocated);

  /** Whether kernels may be given this array; what cannot be told is taken to be right. */
  boolean holds(Pointer array);

  /** Where kernels are queued ({@code pal_stream}). */
  @Nullable Pointer stream();

  /** Copies {@code count} floats within this memory. */
  void copy(FloatPointer from, FloatPointer into, long count);

  /** Copies {@code count} floats to native memory of the host. */
  void toHost(FloatPointer from, FloatPointer host, long count);

  /** Copies {@code count} floats from native memory of the host. */
  void fromHost(FloatPointer host, FloatPointer into, long count);

  /** Copies {@code count} elements to the front of {@code into}. */
  void get(FloatPointer from, float[] into, int count);

  /** Copies {@code count} elements to the front of {@code into}. */
  void get(IntPointer from, int[] into, int count);

  /** Copies {@code count} elements to the front of {@code into}. */
  void get(LongPointer from, long[] into, int count);

  /** Copies {@code count} elements to the front of {@code into}. */
  void get(DoublePointer from, double[] into, int count);

  /** Copies the first {@code count} elements of {@code from}. */
  void put(float[] from, FloatPointer into, int count);

  /** Copies the first {@code count} elements of {@code from}. */
  void put(int[] from, IntPointer into, int count);

  /** Copies the first {@code count} elements of {@code from}. */
  void put(long[] from, LongPointer into, int count);
}
