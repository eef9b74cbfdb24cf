package dev.palimpsest.kernels;

import org.bytedeco.javacpp.Pointer;

/**
 * Argument checks whose messages name the call, the argument, what was found and what was expected.
 */
final class Checks {
  private Checks() {}

  static void positive(String call, String name, long value) {
    if (value < 1) {
      throw new KernelException(call + ": " + name + " is " + value + ", expected at least 1");
    }
  }

  /**
   * The pointer, if it is not null and, where its size is known, holds at least {@code count}
   * elements. Pointers got from a tensor's data have no size; theirs cannot be checked.
   */
  static <P extends Pointer> P array(String call, String name, P pointer, long count) {
    if (count > 0 && pointer.isNull()) {
      throw new KernelException(
          call + ": " + name + " is a null pointer, expected " + count + " elements");
    }
    long available = pointer.limit() - pointer.position();
    if (pointer.limit() > 0 && available < count) {
      throw new KernelException(
          call + ": " + name + " has " + available + " elements, expected at least " + count);
    }
    return pointer;
  }

  /** The number of elements of a [rows, columns] array; rows may be 0. */
  static long elements(String call, long rows, long columns) {
    if (rows < 0) {
      throw new KernelException(call + ": rows is " + rows + ", expected 0 or more");
    }
    return Math.multiplyExact(rows, columns);
  }

  /** Throws the CPU library's own message where a call has failed. */
  static void status(int status) {
    if (status != 0) {
      throw new KernelException(NativeKernels.pal_last_error().getString());
    }
  }
}
