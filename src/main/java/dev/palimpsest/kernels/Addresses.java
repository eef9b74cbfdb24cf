package dev.palimpsest.kernels;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Pointers by address. JavaCPP takes the position of a pointer that is passed as {@code void*} for
 * bytes, whatever its elements are; these have position 0.
 */
public final class Addresses {
  private Addresses() {}

  /** A pointer that owns nothing. */
  private static final class Raw extends Pointer {
    private Raw(long address) {
      super((Pointer) null);
      this.address = address;
    }
  }

  /** The address of the element at the pointer's position. */
  public static long of(Pointer pointer) {
    return pointer.address() + pointer.position() * pointer.sizeof();
  }

  /** What the pointer points at, as an untyped pointer of position 0; a view. */
  public static Pointer raw(Pointer pointer) {
    return at(of(pointer));
  }

  /** A pointer to an address; a view. */
  public static Pointer at(long address) {
    return new Raw(address);
  }

  /** The array from its element {@code offset} on; a view. */
  public static FloatPointer from(FloatPointer array, long offset) {
    return new FloatPointer(at(of(array) + offset * Float.BYTES));
  }
}
