package dev.palimpsest.tensor;

import java.util.function.Supplier;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.global.openblas_full;
import org.bytedeco.pytorch.global.torch;

/**
 * How many threads libtorch and the OpenBLAS beneath it use. The two do not know of each other:
 * libtorch splits batches of small products over its own threads, and where OpenBLAS then splits
 * each of them again, its threads spend ten times as long waiting for one another as computing
 * (measured on attention of 256 × 64 heads). So OpenBLAS has all threads for the large products
 * that are left to it (the head), and one inside {@link #forSmallProducts}.
 */
public final class BlasThreads {
  private static int threads;
  private static int small;

  static {
    Loader.load(torch.class);
    threads = torch.get_num_threads();
  }

  private BlasThreads() {}

  /** Sets the number of threads of both, for the whole process. */
  public static synchronized void use(int count) {
    threads = count;
    torch.set_num_threads(count);
    openblas_full.openblas_set_num_threads(small > 0 ? 1 : count);
  }

  /** Runs work whose matrix products are many and small. */
  public static <T> T forSmallProducts(Supplier<T> work) {
    change(1);
    try {
      return work.get();
    } finally {
      change(-1);
    }
  }

  /** Passes may overlap: the first that needs small products switches, the last switches back. */
  private static synchronized void change(int by) {
    small += by;
    if (threads > 1 && small == (by > 0 ? 1 : 0)) {
      openblas_full.openblas_set_num_threads(small > 0 ? 1 : threads);
    }
  }
}
