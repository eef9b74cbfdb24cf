package dev.palimpsest.kernels;

/**
 * Whether the CUDA kernels can be used on this machine, and if not, why. The library ({@code
 * cuda-kernels/}) is opened at run time, so that everything else works without it.
 */
public final class CudaKernels {
  /** The environment variable with the path of the library. */
  public static final String LIBRARY_VARIABLE = "PALIMPSEST_CUDA_LIBRARY";

  private static final String LIBRARY = "libpalimpsest_cuda.so";

  private CudaKernels() {}

  /**
   * What was found.
   *
   * @param usable whether the library is there and a GPU answers
   * @param description the device and the library that multiplies matrices, or what is missing
   */
  public record Status(boolean usable, String description) {}

  /** The library named by {@value #LIBRARY_VARIABLE}, or the name to look for. */
  public static String library() {
    String path = System.getenv(LIBRARY_VARIABLE);
    return path == null || path.isEmpty() ? LIBRARY : path;
  }

  /** Looks at {@link #library}. */
  public static Status status() {
    return status(library());
  }

  /** Looks at the library at this path. */
  public static Status status(String path) {
    NativeKernels.Table table;
    try {
      table = NativeKernels.opened(path);
    } catch (KernelException absent) {
      return new Status(
          false,
          "no CUDA kernels: "
              + absent.getMessage()
              + "; build them with cuda-kernels/check.sh --library DIR and set "
              + LIBRARY_VARIABLE);
    }
    String description = table.describe().getString();
    return new Status(description.startsWith("cuda sm_"), description);
  }
}
