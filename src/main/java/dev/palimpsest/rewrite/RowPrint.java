package dev.palimpsest.rewrite;

/**
 * What a piece of a replacement consists of, in 128 bits: two that agree put the same numbers in
 * the module's place.
 */
record RowPrint(long first, long second) {
  /** Of {@code values[from, to)}, bit by bit. */
  static RowPrint of(float[] values, int from, int to) {
    long a = 0x243F6A8885A308D3L;
    long b = 0x13198A2E03707344L;
    for (int i = from; i < to; i++) {
      long bits = Float.floatToRawIntBits(values[i]);
      a = (a ^ bits) * 0x9E3779B97F4A7C15L;
      a ^= a >>> 32;
      b = (b + bits) * 0xC2B2AE3D27D4EB4FL;
      b ^= b >>> 29;
    }
    return new RowPrint(a, b);
  }
}
