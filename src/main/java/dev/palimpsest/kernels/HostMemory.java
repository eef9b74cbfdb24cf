package dev.palimpsest.kernels;

import dev.palimpsest.base.PalimpsestException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/** The machine's own memory. What is never touched is never committed by the system. */
public final class HostMemory implements Memory {
  /** The one there is. */
  public static final HostMemory INSTANCE = new HostMemory();

  /** A cache line, as the kernels like it. */
  private static final int ALIGNMENT = 64;

  private final Map<Long, Pointer> blocks = new ConcurrentHashMap<>();

  private HostMemory() {}

  @Override
  public boolean isHost() {
    return true;
  }

  @Override
  public Pointer allocate(long bytes) {
    long size = Math.addExact(bytes, ALIGNMENT);
    Pointer block = Pointer.calloc(1, size);
    if (block == null || block.isNull()) {
      throw new PalimpsestException("not enough memory for an array of " + bytes + " bytes");
    }
    long start = (block.address() + ALIGNMENT - 1) & -ALIGNMENT;
    blocks.put(start, block);
    return Addresses.at(start);
  }

  @Override
  public void free(Pointer allocated) {
    Pointer block = blocks.remove(Addresses.of(allocated));
    if (block == null) {
      throw new IllegalArgumentException("not allocated here, or freed before");
    }
    Pointer.free(block);
  }

  @Override
  public boolean holds(Pointer array) {
    return true;
  }

  @Override
  public @Nullable Pointer stream() {
    return null;
  }

  @Override
  public void copy(FloatPointer from, FloatPointer into, long count) {
    Pointer.memcpy(Addresses.raw(into), Addresses.raw(from), count * Float.BYTES);
  }

  @Override
  public void toHost(FloatPointer from, FloatPointer host, long count) {
    copy(from, host, count);
  }

  @Override
  public void fromHost(FloatPointer host, FloatPointer into, long count) {
    copy(host, into, count);
  }

  @Override
  public void get(FloatPointer from, float[] into, int count) {
    from.get(into, 0, count);
  }

  @Override
  public void get(IntPointer from, int[] into, int count) {
    from.get(into, 0, count);
  }

  @Override
  public void get(LongPointer from, long[] into, int count) {
    from.get(into, 0, count);
  }

  @Override
  public void get(DoublePointer from, double[] into, int count) {
    from.get(into, 0, count);
  }

  @Override
  public void put(float[] from, FloatPointer into, int count) {
    into.put(from, 0, count);
  }

  @Override
  public void put(int[] from, IntPointer into, int count) {
    into.put(from, 0, count);
  }

  @Override
  public void put(long[] from, LongPointer into, int count) {
    into.put(from, 0, count);
  }
}
