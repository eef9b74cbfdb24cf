package dev.palimpsest.kernels;

import java.util.Optional;
import java.util.function.Consumer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * What lets training steps be queued without anybody waiting for them ({@code palimpsest_cuda.h}):
 * an update whose learning rate and number lie in the device's memory, a log of how each batch went
 * that stays there until it is read, and graphs, which queue a whole step with one call.
 */
public final class StepKernels {
  private final CoderKernels coder;

  StepKernels(CoderKernels coder) {
    this.coder = coder;
  }

  /** The other kernels, which queue where these do. */
  public CoderKernels coder() {
    return coder;
  }

  /** Bytes of an update's constants in the kernels' memory. */
  public long ruleBytes() {
    return coder.table().cuda_hyper_bytes();
  }

  /**
   * Writes an update's constants, in turn with the steps that are queued.
   *
   * @param into room for {@link #ruleBytes}
   */
  public void writeRule(UpdateRule rule, Pointer into) {
    coder.array("writeRule", "into", into, ruleBytes());
    try (NativeKernels.Hyper hyper = CoderKernels.hyper(rule)) {
      coder.check(coder.table().cuda_write_hyper(hyper, into, coder.stream()));
    }
  }

  /**
   * {@link CoderKernels#step} by the constants that {@link #writeRule} has written last: the same
   * bits.
   *
   * @param second second moments, by which Adam is told from signum
   */
  public void step(
      CoderParameters parameters,
      ParameterArrays first,
      Optional<ParameterArrays> second,
      FloatPointer x,
      FloatPointer grad,
      long rows,
      long k,
      FloatPointer values,
      IntPointer indices,
      Pointer rule,
      boolean unitNormDecoder,
      boolean normalizeAfter,
      Workspace workspace) {
    String call = "step";
    coder.checkBatch(call, parameters, x, grad, rows, k, values, indices);
    coder.array(call, "rule", rule, ruleBytes());
    long bytes =
        coder.table().step_workspace_bytes(parameters.width(), parameters.latents(), rows, k);
    try (NativeKernels.OptimizerState state =
        ParameterArrays.state(call, first, second, parameters)) {
      coder.check(
          coder
              .table()
              .cuda_step(
                  parameters.struct(),
                  state,
                  x,
                  grad,
                  rows,
                  k,
                  values,
                  indices,
                  rule,
                  second.isPresent() ? 0 : 1,
                  unitNormDecoder ? 1 : 0,
                  normalizeAfter ? 1 : 0,
                  workspace.atLeast(bytes),
                  workspace.bytes(),
                  coder.stream()));
    }
  }

  /**
   * Takes a batch into a log.
   *
   * @param values [rows, k] selected by {@link CoderKernels#encode}
   * @param rows 1 or more
   * @param sums [2] of {@link CoderKernels#decodeLoss}
   */
  public void log(
      BatchLog log,
      FloatPointer values,
      IntPointer indices,
      long rows,
      long k,
      DoublePointer sums) {
    String call = "log";
    long slots = Checks.elements(call, rows, k);
    coder.array(call, "values", values, slots);
    coder.array(call, "indices", indices, slots);
    coder.array(call, "sums", sums, 2);
    try (NativeKernels.BatchRecord record = log.struct()) {
      coder.check(
          coder.table().cuda_record_batch(record, values, indices, rows, k, sums, coder.stream()));
    }
  }

  /**
   * Captures calls instead of making them.
   *
   * @param calls queue all they queue with the kernels that they are given, wait for nothing and
   *     allocate nothing: each has been made before with these arrays and sizes
   */
  public KernelGraph capture(Consumer<StepKernels> calls) {
    try (PointerPointer<Pointer> stream = new PointerPointer<>(1);
        PointerPointer<Pointer> graph = new PointerPointer<>(1)) {
      coder.check(coder.table().cuda_begin_capture(stream));
      Pointer capturing = Addresses.raw(stream.get(0));
      try {
        calls.accept(new StepKernels(coder.queuedOn(capturing)));
      } catch (RuntimeException | Error failure) {
        abandon(capturing, graph);
        throw failure;
      }
      coder.check(coder.table().cuda_end_capture(capturing, graph));
      return new KernelGraph(coder, Addresses.raw(graph.get(0)));
    }
  }

  /** Ends a capture whose calls have failed; what else is wrong with it no longer matters. */
  private void abandon(Pointer capturing, PointerPointer<Pointer> graph) {
    coder.table().cuda_end_capture(capturing, graph);
    Pointer useless = graph.get(0);
    if (useless != null && !useless.isNull()) {
      coder.table().cuda_free_graph(useless);
    }
  }
}
