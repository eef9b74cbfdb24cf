package dev.palimpsest.tensor;

import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.util.Optional;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.SizeTPair;
import org.bytedeco.pytorch.Stream;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * What libtorch says of its CUDA device. Only calls that the CPU build has too are used: the Java
 * classes of the CUDA build want every library of exactly one CUDA release, libtorch itself does
 * not.
 */
final class CudaTorch {
  private static final byte FIRST = 0;

  private CudaTorch() {}

  /**
   * Loads libtorch with its CUDA part.
   *
   * @return what is missing, in one line; empty where nothing is
   */
  static Optional<String> load() {
    String name = "/org/bytedeco/pytorch/" + Loader.getPlatform() + "-gpu/libtorch_cuda.so";
    URL library = CudaTorch.class.getResource(name);
    if (library == null) {
      return Optional.of(
          "this build's libtorch is for the CPU (build with ./mvnw -Pcuda process-classes)");
    }
    Loader.load(torch.class);
    try {
      // JavaCPP has tried this already, and would not say what was missing.
      File file = Loader.cacheResource(library);
      System.load(file.getPath());
    } catch (IOException | UnsatisfiedLinkError absent) {
      return Optional.of(
          "libtorch's CUDA part does not load: "
              + reason(absent)
              + " (CUDA 13, cuDNN 9 and NCCL must be installed, or in LD_LIBRARY_PATH)");
    }
    return torch.cuda_is_available()
        ? Optional.empty()
        : Optional.of("libtorch finds no GPU: there is none, or no driver for CUDA 13");
  }

  /** What the dynamic linker said, without the path of the library that it said it of. */
  private static String reason(Throwable failure) {
    String line = String.valueOf(failure.getMessage()).lines().findFirst().orElse("").strip();
    return line.substring(line.indexOf(".so: ") < 0 ? 0 : line.indexOf(".so: ") + 5);
  }

  /**
   * The handle of libtorch's current stream: null, the default stream. libtorch leaves it only
   * where a program asks for that, which this one never does.
   */
  static @Nullable Pointer stream() {
    try (PointerScope scope = new PointerScope();
        Stream current = torch.getCurrentStream(FIRST)) {
      if (current.id() != 0) {
        throw new IllegalStateException("libtorch's current stream is not its default one");
      }
      return null;
    }
  }

  /**
   * Bytes of the GPU's memory in use. libtorch's allocator keeps what it once had, so at the end of
   * a run this is the most that there was.
   */
  static long usedBytes() {
    try (PointerScope scope = new PointerScope();
        SizeTPair freeAndTotal = torch.getMemoryInfo(FIRST)) {
      return freeAndTotal.second() - freeAndTotal.first();
    }
  }
}
