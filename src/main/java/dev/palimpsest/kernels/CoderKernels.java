package dev.palimpsest.kernels;

import java.util.Optional;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * One backend's kernels for sparse coders: one method per function of {@code
 * native/include/palimpsest.h}, which gives each one's formula, order of sums and memory traffic.
 * Shapes: B rows, width d, M latents, k kept latents; arrays are dense, row-major and in the
 * backend's {@link #memory}. On a GPU work is queued and these methods return before it is done.
 *
 * <p>Every method checks sizes and pointers first (a pointer of unknown size, such as a tensor's
 * data, can only be checked for null) and throws {@link KernelException} with the argument's name;
 * nothing useful is written then. The CPU kernels give the same bits for any number of threads and
 * any instruction set, and may be called from several Java threads as long as these share no
 * workspace and no output.
 */
public final class CoderKernels {
  /** The version of the header that this class was written against. */
  private static final int ABI_VERSION = 1;

  private static final CoderKernels CPU =
      new CoderKernels(NativeKernels.linked(), HostMemory.INSTANCE, false, Optional.empty());

  private final NativeKernels.Table table;
  private final Memory memory;
  private final boolean cuda;
  private final Optional<Pointer> ownStream;

  /**
   * @param cuda whether the table has the functions of {@code palimpsest_cuda.h}
   * @param ownStream where to queue; empty: on the memory's stream
   */
  private CoderKernels(
      NativeKernels.Table table, Memory memory, boolean cuda, Optional<Pointer> ownStream) {
    this.table = table;
    this.memory = memory;
    this.cuda = cuda;
    this.ownStream = ownStream;
    int found = table.abi_version();
    if (found != ABI_VERSION) {
      throw new KernelException(
          "The kernel library has interface version "
              + found
              + ", expected "
              + ABI_VERSION
              + "; rebuild it with ./mvnw process-classes");
    }
  }

  /** The kernels of this machine's processor. */
  public static CoderKernels cpu() {
    return CPU;
  }

  /**
   * The kernels of the library at a path, which stays loaded.
   *
   * @param memory where its kernels read and write
   * @throws KernelException where there is no such library, or it is not one of ours
   */
  public static CoderKernels open(String path, Memory memory) {
    NativeKernels.Table table = NativeKernels.opened(path);
    return new CoderKernels(
        table, memory, NativeKernels.pal_table_is_cuda(table) != 0, Optional.empty());
  }

  /** The same kernels, queued on another stream than the memory's. */
  CoderKernels queuedOn(Pointer stream) {
    return new CoderKernels(table, memory, cuda, Optional.of(stream));
  }

  /**
   * The kernels for training steps that are queued ahead, which only the CUDA library has; else
   * empty.
   */
  public Optional<StepKernels> stepKernels() {
    return cuda ? Optional.of(new StepKernels(this)) : Optional.empty();
  }

  NativeKernels.Table table() {
    return table;
  }

  /** Where work is queued; null is the default stream of a device, and ignored on the CPU. */
  @Nullable Pointer stream() {
    return ownStream.isPresent() ? ownStream.get() : memory.stream();
  }

  /** Where these kernels read and write. */
  public Memory memory() {
    return memory;
  }

  /** What runs here, for people: {@code cpu avx512, 2 threads}. */
  public String describe() {
    return table.describe().getString();
  }

  /** Sets the number of threads of all later calls; below 1 means one per processor. */
  public void setThreads(int threads) {
    check(table.set_threads(threads));
  }

  /** The number of threads of later calls. */
  public int threads() {
    return table.threads();
  }

  /**
   * Limits the instruction set, for tests and benchmarks: {@code portable}, {@code avx2}, {@code
   * avx512}, {@code avx512vnni}, {@code avx512bf16}, or the empty string for the best there is. The
   * results do not depend on it.
   *
   * @throws KernelException for a word that is not known, or instructions this processor lacks
   */
  public void setInstructionSet(String name) {
    try (BytePointer text = new BytePointer(name)) {
      check(table.set_instruction_set(text));
    }
  }

  /**
   * Bytes of the low-precision copy of a coder's matrices that these kernels multiply by; 0 where
   * they have none.
   */
  public long operandsBytes(long width, long latents) {
    return table.operands_bytes(width, latents);
  }

  /** Makes that copy anew, after the weights have been changed by anything but {@link #step}. */
  public void refreshOperands(CoderParameters coder) {
    check(table.refresh_operands(coder.struct(), stream()));
  }

  /**
   * The k selected latents of every row of relu(W_enc (x - c) + b_enc).
   *
   * @param x [rows, d]
   * @param values out, [rows, k]; only positive values, padded with 0
   * @param indices out, [rows, k]; padded with 0
   */
  public void encode(
      CoderParameters coder,
      FloatPointer x,
      long rows,
      long k,
      Activation activation,
      FloatPointer values,
      IntPointer indices,
      Workspace workspace) {
    String call = "encode";
    checkSelection(call, coder, rows, k, values, indices);
    array(call, "x", x, Checks.elements(call, rows, coder.width()));
    long bytes =
        table.encode_workspace_bytes(coder.width(), coder.latents(), rows, k, activation.code());
    check(
        table.encode(
            coder.struct(),
            x,
            rows,
            k,
            activation.code(),
            values,
            indices,
            workspace.atLeast(bytes),
            workspace.bytes(),
            stream()));
  }

  /**
   * out[r] = sum_s values[r, s] W_dec[indices[r, s]] + b_dec (+ W_skip x[r]).
   *
   * @param x [rows, d]; needed only by coders with a skip connection
   * @param values [rows, k], any numbers; zeros are skipped
   * @param indices [rows, k], each from 0 to M - 1
   * @param out [rows, d]
   */
  public void decode(
      CoderParameters coder,
      Optional<FloatPointer> x,
      long rows,
      long k,
      FloatPointer values,
      IntPointer indices,
      FloatPointer out,
      Workspace workspace) {
    String call = "decode";
    long size = checkDecode(call, coder, x, rows, k, values, indices);
    array(call, "out", out, size);
    long bytes = table.decode_workspace_bytes(coder.width(), coder.latents(), rows, k);
    check(
        table.decode(
            coder.struct(),
            x.orElse(null),
            rows,
            k,
            values,
            indices,
            out,
            workspace.atLeast(bytes),
            workspace.bytes(),
            stream()));
  }

  /**
   * The two sums of the fraction of variance unexplained, and its gradient 2 (prediction - target)
   * / sums[1].
   *
   * @param prediction y_hat [rows, width]
   * @param target y [rows, width]
   * @param grad out, [rows, width], may be the same memory as the prediction; or empty
   * @param sums out, [2]: sum |y - y_hat|^2 and sum |y - mean(y)|^2; FVU is their ratio
   */
  public void fvu(
      FloatPointer prediction,
      FloatPointer target,
      long rows,
      long width,
      Optional<FloatPointer> grad,
      DoublePointer sums,
      Workspace workspace) {
    String call = "fvu";
    Checks.positive(call, "width", width);
    long size = Checks.elements(call, rows, width);
    array(call, "prediction", prediction, size);
    array(call, "target", target, size);
    grad.ifPresent(pointer -> array(call, "grad", pointer, size));
    array(call, "sums", sums, 2);
    long bytes = table.fvu_workspace_bytes(width, rows);
    check(
        table.fvu(
            prediction,
            target,
            rows,
            width,
            grad.orElse(null),
            sums,
            workspace.atLeast(bytes),
            workspace.bytes(),
            stream()));
  }

  /**
   * The gradient of the fraction of variance unexplained at the decoded output, and its two sums:
   * {@link #decode} and {@link #fvu}, with the same gradient's bits. Kernels that do both in one
   * never write y_hat; their first sum may be added in another order.
   *
   * @param x [rows, d]; needed only by coders with a skip connection
   * @param target y [rows, d]
   * @param grad out, [rows, d]: 2 (y_hat - y) / sums[1]
   * @param sums out, [2]: sum |y - y_hat|^2 and sum |y - mean(y)|^2
   */
  public void decodeLoss(
      CoderParameters coder,
      Optional<FloatPointer> x,
      FloatPointer target,
      long rows,
      long k,
      FloatPointer values,
      IntPointer indices,
      FloatPointer grad,
      DoublePointer sums,
      Workspace workspace) {
    if (!cuda) {
      decode(coder, x, rows, k, values, indices, grad, workspace);
      fvu(grad, target, rows, coder.width(), Optional.of(grad), sums, workspace);
      return;
    }
    String call = "decodeLoss";
    long size = checkDecode(call, coder, x, rows, k, values, indices);
    array(call, "target", target, size);
    array(call, "grad", grad, size);
    array(call, "sums", sums, 2);
    long bytes = table.cuda_decode_loss_workspace_bytes(coder.width(), coder.latents(), rows, k);
    check(
        table.cuda_decode_loss(
            coder.struct(),
            x.orElse(null),
            target,
            rows,
            k,
            values,
            indices,
            grad,
            sums,
            workspace.atLeast(bytes),
            workspace.bytes(),
            stream()));
  }

  /** Checks what {@link #decode} reads; the elements of its output. */
  private long checkDecode(
      String call,
      CoderParameters coder,
      Optional<FloatPointer> x,
      long rows,
      long k,
      FloatPointer values,
      IntPointer indices) {
    checkSelection(call, coder, rows, k, values, indices);
    long size = Checks.elements(call, rows, coder.width());
    if (coder.hasSkip() && (x.isEmpty() || x.get().isNull()) && rows > 0) {
      throw new KernelException(call + ": x is missing, but the coder has a skip connection");
    }
    x.filter(pointer -> !pointer.isNull()).ifPresent(pointer -> array(call, "x", pointer, size));
    return size;
  }

  /** counts[i] += how many rows selected latent i with a value above 0; counts [latents]. */
  public void countFirings(
      FloatPointer values,
      IntPointer indices,
      long rows,
      long k,
      long latents,
      LongPointer counts) {
    String call = "countFirings";
    long slots = Checks.elements(call, rows, k);
    array(call, "values", values, slots);
    array(call, "indices", indices, slots);
    array(call, "counts", counts, latents);
    check(table.count_firings(values, indices, rows, k, latents, counts, stream()));
  }

  /**
   * Gradients of all parameters through the selected latents, from the gradient with respect to
   * y_hat.
   *
   * @param x [rows, d]
   * @param grad [rows, d]
   * @param values [rows, k]; slots of value 0 carry no gradient
   * @param accumulate adds to the gradients instead of overwriting them
   */
  public void backward(
      CoderParameters coder,
      FloatPointer x,
      FloatPointer grad,
      long rows,
      long k,
      FloatPointer values,
      IntPointer indices,
      ParameterArrays gradients,
      boolean accumulate,
      Workspace workspace) {
    String call = "backward";
    checkBatch(call, coder, x, grad, rows, k, values, indices);
    long bytes = table.backward_workspace_bytes(coder.width(), coder.latents(), rows, k);
    try (NativeKernels.Gradients struct = new NativeKernels.Gradients()) {
      gradients.fill(struct, "backward: gradients", coder);
      check(
          table.backward(
              coder.struct(),
              x,
              grad,
              rows,
              k,
              values,
              indices,
              struct,
              accumulate ? 1 : 0,
              workspace.atLeast(bytes),
              workspace.bytes(),
              stream()));
    }
  }

  /** g[i] -= (g[i] . w[i]) w[i] for every row; w, g [rows, width]. */
  public void removeParallel(FloatPointer w, FloatPointer g, long rows, long width) {
    String call = "removeParallel";
    Checks.positive(call, "width", width);
    long size = Checks.elements(call, rows, width);
    array(call, "w", w, size);
    array(call, "g", g, size);
    check(table.remove_parallel(w, g, rows, width, stream()));
  }

  /** w[i] /= |w[i]| + 2^-23 for every row; w [rows, width]. */
  public void normalizeRows(FloatPointer w, long rows, long width) {
    String call = "normalizeRows";
    Checks.positive(call, "width", width);
    array(call, "w", w, Checks.elements(call, rows, width));
    check(table.normalize_rows(w, rows, width, stream()));
  }

  /**
   * One optimiser update of n parameters.
   *
   * @param p parameters [n]
   * @param g gradients [n]
   * @param first first moment, or signum's z [n]
   * @param second second moment [n]; Adam only
   */
  public void update(
      FloatPointer p,
      FloatPointer g,
      FloatPointer first,
      Optional<FloatPointer> second,
      long n,
      UpdateRule rule) {
    String call = "update";
    array(call, "p", p, n);
    array(call, "g", g, n);
    array(call, "first", first, n);
    second.ifPresent(pointer -> array(call, "second", pointer, n));
    try (NativeKernels.Hyper hyper = hyper(rule)) {
      check(table.update(p, g, first, second.orElse(null), n, hyper, stream()));
    }
  }

  /**
   * Backward and update of every parameter in one pass; the same bits as {@link #backward}, {@link
   * #removeParallel}, {@link #update} of all five arrays and {@link #normalizeRows} in turn.
   *
   * @param first first moments, or signum's z
   * @param second second moments; Adam only
   * @param unitNormDecoder removes the part of the decoder's gradient along each row (SAEs)
   * @param normalizeAfter renormalises the decoder's rows after the update
   */
  public void step(
      CoderParameters coder,
      ParameterArrays first,
      Optional<ParameterArrays> second,
      FloatPointer x,
      FloatPointer grad,
      long rows,
      long k,
      FloatPointer values,
      IntPointer indices,
      UpdateRule rule,
      boolean unitNormDecoder,
      boolean normalizeAfter,
      Workspace workspace) {
    String call = "step";
    checkBatch(call, coder, x, grad, rows, k, values, indices);
    long bytes = table.step_workspace_bytes(coder.width(), coder.latents(), rows, k);
    try (NativeKernels.OptimizerState state = ParameterArrays.state(call, first, second, coder);
        NativeKernels.Hyper hyper = hyper(rule)) {
      check(
          table.step(
              coder.struct(),
              state,
              x,
              grad,
              rows,
              k,
              values,
              indices,
              hyper,
              unitNormDecoder ? 1 : 0,
              normalizeAfter ? 1 : 0,
              workspace.atLeast(bytes),
              workspace.bytes(),
              stream()));
    }
  }

  static NativeKernels.Hyper hyper(UpdateRule rule) {
    NativeKernels.Hyper hyper = new NativeKernels.Hyper();
    hyper.lr(rule.learningRate()).step(rule.step());
    if (rule instanceof UpdateRule.Adam adam) {
      hyper.optimizer(0).beta1(adam.beta1()).beta2(adam.beta2()).epsilon(adam.epsilon());
    } else if (rule instanceof UpdateRule.Signum signum) {
      hyper.optimizer(1).beta1(signum.momentum()).beta2(0).epsilon(0);
    }
    return hyper;
  }

  private void checkSelection(
      String call,
      CoderParameters coder,
      long rows,
      long k,
      FloatPointer values,
      IntPointer indices) {
    if (k < 1 || k > coder.latents()) {
      throw new KernelException(
          call + ": k is " + k + ", expected 1 to " + coder.latents() + " (the coder's latents)");
    }
    long slots = Checks.elements(call, rows, k);
    array(call, "values", values, slots);
    array(call, "indices", indices, slots);
  }

  void checkBatch(
      String call,
      CoderParameters coder,
      FloatPointer x,
      FloatPointer grad,
      long rows,
      long k,
      FloatPointer values,
      IntPointer indices) {
    checkSelection(call, coder, rows, k, values, indices);
    long size = Checks.elements(call, rows, coder.width());
    array(call, "x", x, size);
    array(call, "grad", grad, size);
  }

  void check(int status) {
    if (status != 0) {
      throw new KernelException(table.last_error().getString());
    }
  }

  /** {@link Checks#array}, and that the array is where these kernels can reach it. */
  void array(String call, String name, Pointer pointer, long count) {
    Checks.array(call, name, pointer, count);
    if (count > 0 && !memory.holds(pointer)) {
      throw new KernelException(call + ": " + name + " is not in these kernels' memory");
    }
  }
}
