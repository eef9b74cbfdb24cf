package dev.palimpsest.safetensors;

import java.util.Arrays;
import java.util.Optional;

/** The element types of a safetensors file; the constant's name is the file's own label. */
public enum DType {
  BOOL(1),
  U8(1),
  I8(1),
  F8_E5M2(1),
  F8_E4M3(1),
  I16(2),
  U16(2),
  F16(2),
  BF16(2),
  I32(4),
  U32(4),
  F32(4),
  F64(8),
  I64(8),
  U64(8);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes per element. */
  public int bytes() {
    return bytes;
  }

  /** Whether elements are real numbers that {@link TensorReader#floats} converts. */
  public boolean isReal() {
    return this == F16 || this == BF16 || this == F32 || this == F64;
  }

  /**
   * Whether elements are whole numbers (or truth values, 0 and 1) that {@link TensorReader#longs}
   * converts.
   */
  public boolean isWhole() {
    return switch (this) {
      case BOOL, U8, I8, I16, U16, I32, U32, I64, U64 -> true;
      default -> false;
    };
  }

  /** The type of a label, or empty when safetensors has none of that name that is known here. */
  static Optional<DType> labelled(String label) {
    return Arrays.stream(values()).filter(type -> type.name().equals(label)).findFirst();
  }
}
