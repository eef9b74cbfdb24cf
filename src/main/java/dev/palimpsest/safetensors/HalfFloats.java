package dev.palimpsest.safetensors;

/** The two 16-bit float formats, widened exactly and narrowed to nearest, ties to even. */
public final class HalfFloats {
  private HalfFloats() {}

  /** A bfloat16 as float32. */
  public static float fromBfloat16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /** The nearest bfloat16; NaN stays NaN. */
  public static short toBfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
  }

  /** An IEEE 754 binary16 as float32. */
  public static float fromFloat16(short half) {
    int sign = (half & 0x8000) << 16;
    int exponent = (half >>> 10) & 0x1F;
    int fraction = half & 0x3FF;
    if (exponent == 0x1F) {
      return Float.intBitsToFloat(sign | 0x7F800000 | (fraction << 13));
    }
    if (exponent == 0) {
      float magnitude = fraction * 0x1p-24f;
      return sign == 0 ? magnitude : -magnitude;
    }
    return Float.intBitsToFloat(sign | ((exponent + 112) << 23) | (fraction << 13));
  }

  /**
   * The nearest IEEE 754 binary16; what is beyond 65,504 (after rounding) becomes infinite, NaN
   * stays NaN.
   */
  public static short toFloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = (bits >>> 16) & 0x8000;
    int magnitude = bits & 0x7FFFFFFF;
    if (magnitude > 0x7F800000) {
      return (short) (sign | 0x7E00 | ((magnitude >>> 13) & 0x3FF));
    }
    if (magnitude >= 0x47800000) {
      return (short) (sign | 0x7C00);
    }
    if (magnitude >= 0x38800000) {
      int rounded = magnitude + 0xFFF + ((magnitude >>> 13) & 1);
      return (short) (sign | ((rounded - 0x38000000) >>> 13));
    }
    // Below 2^-14 the steps are 2^-24 wide: adding 0.5 makes the float unit round at just that
    // place.
    float shifted = Float.intBitsToFloat(magnitude) + 0.5f;
    return (short) (sign | (Float.floatToRawIntBits(shifted) - 0x3F000000));
  }
}
