package dev.palimpsest.kernels;

import java.util.Optional;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * y = x Wᵀ + b on the CPU, with weights that never change and so are packed once ({@code
 * native/include/palimpsest_cpu.h}). The bits of a row's result depend on that row alone: not on
 * the other rows, the number of threads or the instruction set.
 */
public final class DenseLayer {
  private final Operands operands;
  private final long in;
  private final long out;
  private final Pointer packed;
  private final Optional<FloatPointer> bias;

  /**
   * @param operands what weights are packed as and x is rounded to
   * @param in width of x
   * @param out width of y
   * @param packed of {@link #pack}; stays the caller's and must outlive this object
   * @param bias [out]; likewise
   */
  public DenseLayer(
      Operands operands, long in, long out, Pointer packed, Optional<FloatPointer> bias) {
    this.operands = operands;
    this.in = in;
    this.out = out;
    this.packed = packed;
    this.bias = bias.map(values -> Checks.array("dense layer", "bias", values, out));
  }

  /** Bytes that packed weights take: out rounded up to 32, times in, times 4 or 2. */
  public static long packedBytes(Operands operands, long in, long out) {
    Checks.positive("dense layer", "in", in);
    Checks.positive("dense layer", "out", out);
    return NativeKernels.pal_cpu_packed_bytes(operands.code(), in, out);
  }

  /**
   * Packs weights.
   *
   * @param operands what they become
   * @param weight element (o, i) lies at o · outStride + i · inStride, so [out, in] and [in, out]
   *     arrays both serve
   * @param held what they are now
   * @param packed receives {@link #packedBytes}, at a multiple of 64 bytes
   */
  public static void pack(
      Operands operands,
      Pointer weight,
      Operands held,
      long in,
      long out,
      long inStride,
      long outStride,
      Pointer packed) {
    Checks.status(
        NativeKernels.pal_cpu_pack(
            operands.code(), weight, held.code(), in, out, inStride, outStride, packed));
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
    HostWorkspaces.lend(
        workspace ->
            Checks.status(
                NativeKernels.pal_cpu_linear(
                    operands.code(),
                    packed,
                    bias.orElse(null),
                    x,
                    rows,
                    in,
                    out,
                    y,
                    workspace.atLeast(workspaceBytes(rows)),
                    workspace.bytes())));
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
      HostWorkspaces.lend(
          workspace ->
              Checks.status(
                  NativeKernels.pal_cpu_log_sum_exp(
                      operands.code(),
                      packed,
                      bias.orElse(null),
                      x,
                      rows,
                      in,
                      out,
                      sums,
                      workspace.atLeast(workspaceBytes(rows)),
                      workspace.bytes())));
      sums.get(result);
    }
    return result;
  }

  private long workspaceBytes(long rows) {
    return NativeKernels.pal_cpu_linear_workspace_bytes(operands.code(), rows, in);
  }

  /** What weights are held in and x is rounded to. */
  public Operands operands() {
    return operands;
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
