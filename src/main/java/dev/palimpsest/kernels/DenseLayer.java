package dev.palimpsest.kernels;

import java.util.Optional;
import org.bytedeco.javacpp.FloatPointer;

/**
 * y = x Wᵀ + b on the CPU, with weights that never change and so are packed once ({@code
 * native/include/palimpsest_cpu.h}). The bits of a row's result depend on that row alone: not on
 * the other rows, the number of threads or the instruction set.
 */
public final class DenseLayer {
  private final long in;
  private final long out;
  private final FloatPointer packed;
  private final Optional<FloatPointer> bias;

  /**
   * @param in width of x
   * @param out width of y
   * @param packed of {@link #pack}; stays the caller's and must outlive this object
   * @param bias [out]; likewise
   */
  public DenseLayer(long in, long out, FloatPointer packed, Optional<FloatPointer> bias) {
    this.in = in;
    this.out = out;
    this.packed = Checks.array("dense layer", "packed", packed, packedFloats(in, out));
    this.bias = bias.map(values -> Checks.array("dense layer", "bias", values, out));
  }

  /** Floats that packed weights take: out rounded up to 32, times in. */
  public static long packedFloats(long in, long out) {
    Checks.positive("dense layer", "in", in);
    Checks.positive("dense layer", "out", out);
    return NativeKernels.pal_cpu_packed_floats(in, out);
  }

  /**
   * Packs weights.
   *
   * @param weight element (o, i) lies at o · outStride + i · inStride, so [out, in] and [in, out]
   *     arrays both serve
   * @param packed receives {@link #packedFloats} floats, at a multiple of 64 bytes
   */
  public static void pack(
      FloatPointer weight, long in, long out, long inStride, long outStride, FloatPointer packed) {
    Checks.array("pack", "packed", packed, packedFloats(in, out));
    Checks.status(NativeKernels.pal_cpu_pack(weight, in, out, inStride, outStride, packed));
  }

  /**
   * Writes y.
   *
   * @param x [rows, in]
   * @param y out, [rows, out]
   */
  public void apply(FloatPointer x, long rows, FloatPointer y) {
    Checks.array("dense layer", "x", x, Checks.elements("dense layer", rows, in));
    Checks.array("dense layer", "y", y, Checks.elements("dense layer", rows, out));
    Checks.status(NativeKernels.pal_cpu_linear(packed, bias.orElse(null), x, rows, in, out, y));
  }

  /**
   * The logarithm of the sum over outputs o of exp(y[r, o]), without y: the normaliser of a softmax
   * over a vocabulary. NaN where a y is not finite.
   *
   * @param x [rows, in]
   * @return [rows]
   */
  public float[] logSumExp(FloatPointer x, long rows) {
    Checks.array("dense layer", "x", x, Checks.elements("dense layer", rows, in));
    float[] result = new float[Math.toIntExact(rows)];
    try (FloatPointer sums = new FloatPointer(rows)) {
      Checks.status(
          NativeKernels.pal_cpu_log_sum_exp(packed, bias.orElse(null), x, rows, in, out, sums));
      sums.get(result);
    }
    return result;
  }

  /** Width of x. */
  public long in() {
    return in;
  }

  /** Width of y. */
  public long out() {
    return out;
  }
}
