package dev.palimpsest.kernels;

import org.bytedeco.javacpp.Pointer;

/**
 * Calls of kernels that were captured once and are queued again with one call (a CUDA graph), with
 * the same arrays, sizes and numbers: these must still stand for the same when it is replayed. Made
 * by {@link StepKernels#capture}.
 */
public final class KernelGraph implements AutoCloseable {
  private final CoderKernels kernels;
  private final Pointer graph;

  KernelGraph(CoderKernels kernels, Pointer graph) {
    this.kernels = kernels;
    this.graph = graph;
  }

  /** Queues the captured calls. */
  public void replay() {
    kernels.check(kernels.table().cuda_replay(graph, kernels.stream()));
  }

  /** Waits for the device, then frees the graph. */
  @Override
  public void close() {
    kernels.check(kernels.table().cuda_free_graph(graph));
  }
}
