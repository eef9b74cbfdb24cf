package dev.palimpsest.kernels;

/** What the operands of a dense layer's product are held in; results and sums are float32. */
public enum Operands {
  /** Float32. */
  FP32(0),
  /** The upper half of a float32, rounded to nearest, ties to even. */
  BF16(1);

  private final int code;

  Operands(int code) {
    this.code = code;
  }

  /** {@code pal_cpu_precision}. */
  int code() {
    return code;
  }
}
