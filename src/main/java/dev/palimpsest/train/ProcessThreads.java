package dev.palimpsest.train;

import dev.palimpsest.base.ThreadCount;
import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.tensor.Tensors;

/** The one place where thread counts are set. */
final class ProcessThreads {
  private ProcessThreads() {}

  /**
   * @param threads 0: all processors
   * @throws dev.palimpsest.base.UsageException where that many are not to be had
   */
  static void use(int threads) {
    int asked = ThreadCount.checked("threads", threads, 0);
    int count = asked == 0 ? ThreadCount.ofProcessors() : asked;
    Tensors.useThreads(count);
    CoderKernels.cpu().setThreads(count);
  }
}
