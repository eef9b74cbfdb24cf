package dev.palimpsest.train;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.tensor.Tensors;

/** The one place where thread counts are set. */
final class ProcessThreads {
  private ProcessThreads() {}

  /**
   * @param threads 0: all processors
   */
  static void use(int threads) {
    if (threads < 0) {
      throw new UsageException("--threads must be 0 (all processors) or more, found " + threads);
    }
    int count = threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
    Tensors.useThreads(count);
    CoderKernels.cpu().setThreads(count);
  }
}
