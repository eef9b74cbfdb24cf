package dev.palimpsest.kernels;

import org.bytedeco.javacpp.Pointer;

/**
 * Scratch memory of the kernels: grows to the largest size asked for and is reused, so that a loop
 * over equal shapes allocates once. Its content does not outlive a call. Not for use by two threads
 * at a time.
 */
public final class Workspace implements AutoCloseable {
  private static final long SMALLEST = 64;

  private final Memory where;
  private final Pointer none = new Pointer();
  private Pointer memory = none;
  private long usable;

  /** A workspace without memory yet, for kernels that work in {@code where}. */
  public Workspace(Memory where) {
    this.where = where;
  }

  /** Bytes held. */
  public long bytes() {
    return usable;
  }

  /** Where its memory is; another place after it has grown. */
  public long address() {
    return memory.address();
  }

  /** At least {@code bytes} of memory; earlier results of this method become invalid. */
  Pointer atLeast(long bytes) {
    if (bytes > usable || memory.isNull()) {
      close();
      long size = Math.max(bytes, SMALLEST);
      memory = where.allocate(size);
      usable = size;
    }
    return memory;
  }

  @Override
  public void close() {
    if (!memory.isNull()) {
      where.free(memory);
    }
    memory = none;
    usable = 0;
  }
}
