package dev.palimpsest.kernels;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Scratch memory of the kernels: grows to the largest size asked for and is reused, so that a loop
 * over equal shapes allocates once. Its content does not outlive a call. Not for use by two threads
 * at a time.
 */
public final class Workspace implements AutoCloseable {
  private static final int ALIGNMENT = 64;

  private BytePointer memory = new BytePointer(0L);
  private long usable;

  /** A workspace without memory yet. */
  public Workspace() {}

  /** Bytes held. */
  public long bytes() {
    return usable;
  }

  /**
   * At least {@code bytes} of memory at a multiple of 64; earlier results of this method become
   * invalid.
   */
  Pointer atLeast(long bytes) {
    if (bytes > usable || memory.isNull()) {
      close();
      long size = Math.max(bytes, ALIGNMENT);
      memory = new BytePointer(size + ALIGNMENT);
      memory.position(Math.floorMod(-memory.address(), (long) ALIGNMENT));
      usable = size;
    }
    return memory;
  }

  @Override
  public void close() {
    memory.position(0);
    memory.close();
    usable = 0;
  }
}
