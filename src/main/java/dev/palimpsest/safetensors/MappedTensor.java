package dev.palimpsest.safetensors;

import java.nio.ByteBuffer;

/**
 * A tensor of a real dtype in a mapped file, of which parts are read again and again without a
 * system call or an allocation. Safe for concurrent readers. The file must not shrink.
 */
public final class MappedTensor {
  /** Every binary16, widened; a look-up is quicker than taking each apart. */
  private static final class Widened {
    private static final float[] FLOAT16 = new float[1 << Short.SIZE];

    static {
      for (int bits = 0; bits < FLOAT16.length; bits++) {
        FLOAT16[bits] = HalfFloats.fromFloat16((short) bits);
      }
    }
  }

  private final DType dtype;
  private final ByteBuffer bytes;

  /**
   * @param bytes little-endian
   */
  MappedTensor(DType dtype, ByteBuffer bytes) {
    this.dtype = dtype;
    this.bytes = bytes;
  }

  /**
   * Reads part of the tensor, in the order of its elements.
   *
   * @param from first element
   * @param count number of elements
   * @param into receives them at its front, as float32
   */
  public void read(int from, int count, float[] into) {
    switch (dtype) {
      case F32 -> {
        for (int i = 0; i < count; i++) {
          into[i] = bytes.getFloat(4 * (from + i));
        }
      }
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          into[i] = HalfFloats.fromBfloat16(bytes.getShort(2 * (from + i)));
        }
      }
      case F16 -> {
        float[] widened = Widened.FLOAT16;
        for (int i = 0; i < count; i++) {
          into[i] = widened[bytes.getShort(2 * (from + i)) & 0xFFFF];
        }
      }
      default -> throw new IllegalStateException("mapped as floats: " + dtype);
    }
  }
}
