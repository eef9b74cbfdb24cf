package dev.palimpsest.kernels;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Whether the CUDA kernels can be used on this machine, and if not, why. The library ({@code
 * cuda-kernels/}) is opened at run time, so that everything else works without it.
 */
public final class CudaKernels {
  /** The environment variable with the path of the library. */
  public static final String LIBRARY_VARIABLE = "PALIMPSEST_CUDA_LIBRARY";

  private static final String LIBRARY = "libpalimpsest_cuda.so";

  /** What they are compiled for: sm_80 and newer. */
  private static final int OLDEST = 80;

  private static final Pattern DEVICE = Pattern.compile("cuda sm_(\\d+) .*");

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
    return judged(table.describe().getString());
  }

  /** What a library's description of itself means. */
  static Status judged(String description) {
    Matcher device = DEVICE.matcher(description);
    if (!device.matches()) {
      return new Status(false, description);
    }
    if (Integer.parseInt(device.group(1)) < OLDEST) {
      return new Status(false, description + ": too old, compute capability 8.0 is needed");
    }
    return new Status(true, description);
  }
}
