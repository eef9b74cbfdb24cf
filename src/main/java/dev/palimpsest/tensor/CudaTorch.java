package dev.palimpsest.tensor;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.cuda.CUDAStream;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch_cuda;
import org.jspecify.annotations.Nullable;

/**
 * The part of libtorch that only its CUDA build has. Nothing else names its classes, so that the
 * CPU build never looks for them; {@link #load} comes first.
 */
final class CudaTorch {
  private static final byte FIRST = 0;

  private CudaTorch() {}

  /**
   * Loads the CUDA part with all it needs from the system.
   *
   * @throws LinkageError naming the library that is missing
   */
  static void load() {
    Loader.load(torch.class);
    Loader.load(torch_cuda.class);
  }

  /** Whether the driver answers and there is a GPU. */
  static boolean hasDevice() {
    return torch.cuda_is_available();
  }

  /** The current stream's handle; null is the default stream. */
  static @Nullable Pointer stream() {
    try (PointerScope scope = new PointerScope();
        CUDAStream current = torch_cuda.getCurrentCUDAStream()) {
      return current.stream();
    }
  }

  /** The most bytes of the first device that libtorch's allocator had handed out at any time. */
  static long peakBytes() {
    try (PointerScope scope = new PointerScope()) {
      return torch.getDeviceStats(FIRST).allocated_bytes().peak();
    }
  }
}
