package dev.palimpsest.activations;

import dev.palimpsest.base.Choice;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.safetensors.DType;
import dev.palimpsest.safetensors.HalfFloats;
import java.nio.ByteBuffer;
import java.util.Locale;

/** What a cache stores an activation as; narrowed to the nearest, ties to even. */
public enum StoredType {
  /** 11 bits of precision, up to 65,504. */
  FP16(DType.F16),
  /** 8 bits of precision, the range of float32. */
  BF16(DType.BF16),
  /** Nothing is lost. */
  FP32(DType.F32);

  private final DType dtype;

  StoredType(DType dtype) {
    this.dtype = dtype;
  }

  /** The word for it in options and files. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The type of a word.
   *
   * @throws UsageException when there is none
   */
  public static StoredType labelled(String label) {
    return Choice.of(values(), StoredType::label, label, "unknown dtype");
  }

  /** In a safetensors file. */
  DType dtype() {
    return dtype;
  }

  /** Bytes of a number. */
  int bytes() {
    return dtype.bytes();
  }

  /**
   * Writes numbers.
   *
   * @param values of which {@code count} from {@code from} on
   * @param into from element {@code at} on; its position does not matter
   * @return how many came out finite before the first that did not; {@code count} where all did
   */
  int narrow(float[] values, int from, int count, ByteBuffer into, int at) {
    for (int i = 0; i < count; i++) {
      float value = values[from + i];
      float stored =
          switch (this) {
            case FP16 -> {
              short half = HalfFloats.toFloat16(value);
              into.putShort(2 * (at + i), half);
              yield HalfFloats.fromFloat16(half);
            }
            case BF16 -> {
              short half = HalfFloats.toBfloat16(value);
              into.putShort(2 * (at + i), half);
              yield HalfFloats.fromBfloat16(half);
            }
            case FP32 -> {
              into.putFloat(4 * (at + i), value);
              yield value;
            }
          };
      if (!Float.isFinite(stored)) {
        return i;
      }
    }
    return count;
  }
}
