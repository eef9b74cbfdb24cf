package dev.palimpsest.kernels;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Zeroed native arrays that live and die together, each starting on a cache line as the kernels
 * like it. Pointers handed out are views: they are dead once this is closed and need no closing of
 * their own. Memory that is never touched is never committed by the system.
 */
public final class NativeArrays implements AutoCloseable {
  private final Memory memory;
  private final List<Pointer> blocks = new ArrayList<>();
  private long totalBytes;

  /** Arrays in the machine's own memory. */
  public NativeArrays() {
    this(HostMemory.INSTANCE);
  }

  /** Arrays where some kernels work. */
  public NativeArrays(Memory memory) {
    this.memory = memory;
  }

  /** {@code length} floats, all 0. */
  public FloatPointer floats(long length) {
    return new FloatPointer(block(length, Float.BYTES)).capacity(length);
  }

  /** {@code length} ints, all 0. */
  public IntPointer ints(long length) {
    return new IntPointer(block(length, Integer.BYTES)).capacity(length);
  }

  /** {@code length} longs, all 0. */
  public LongPointer longs(long length) {
    return new LongPointer(block(length, Long.BYTES)).capacity(length);
  }

  /** {@code length} doubles, all 0. */
  public DoublePointer doubles(long length) {
    return new DoublePointer(block(length, Double.BYTES)).capacity(length);
  }

  /** {@code length} bytes, all 0, of no type. */
  public Pointer bytes(long length) {
    return block(length, 1);
  }

  /** Bytes held. */
  public long totalBytes() {
    return totalBytes;
  }

  @Override
  public void close() {
    blocks.forEach(memory::free);
    blocks.clear();
    totalBytes = 0;
  }

  private Pointer block(long length, int elementBytes) {
    long bytes = Math.multiplyExact(length, elementBytes);
    Pointer block = memory.allocate(bytes);
    blocks.add(block);
    totalBytes += bytes;
    return block;
  }
}
