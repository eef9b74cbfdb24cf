package dev.palimpsest.tensor;

import static org.assertj.core.api.Assertions.fail;

import dev.palimpsest.kernels.Addresses;
import dev.palimpsest.kernels.CoderKernels;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Assumptions;

/** Devices that are not the CPU, for tests. */
public final class TestDevices {
  private static boolean said;

  private TestDevices() {}

  /**
   * The CUDA kernels emulated on the host, working in libtorch memory that stands for a GPU's: the
   * very classes that run on a GPU, but for the driver. Kernels refuse arrays that were not
   * allocated on this device.
   */
  public static Device emulated(Precision precision) {
    String library =
        System.getProperty(
            "palimpsest.emulated", "target/cuda-kernels/libpalimpsest_cuda_emulated.so");
    TorchMemory memory = new Guarded();
    return Device.remote(
        "emulated", CoderKernels.open(library, memory), memory, precision, () -> 0);
  }

  /** The machine's GPU; without one the test is skipped, or fails where -Drequire.gpu is given. */
  public static Device gpu(Precision precision) {
    Optional<String> missing = Devices.missing();
    if (missing.isPresent()) {
      if (System.getProperty("require.gpu") != null) {
        fail("a GPU is required: " + missing.get());
      }
      sayOnce("tests of the GPU are skipped: " + missing.get());
      Assumptions.abort("no GPU: " + missing.get());
    }
    return Devices.choose("cuda", precision).device();
  }

  private static synchronized void sayOnce(String why) {
    if (!said) {
      System.err.println(why);
      said = true;
    }
  }

  /** Knows its arrays, so that host memory given to a kernel is found out. */
  private static final class Guarded extends TorchMemory {
    private final NavigableMap<Long, Long> ranges = new TreeMap<>();

    Guarded() {
      super("cpu", () -> null);
    }

    @Override
    public synchronized Pointer allocate(long bytes) {
      Pointer block = super.allocate(bytes);
      ranges.put(Addresses.of(block), bytes);
      return block;
    }

    @Override
    public synchronized void free(Pointer allocated) {
      ranges.remove(Addresses.of(allocated));
      super.free(allocated);
    }

    @Override
    protected synchronized FloatPointer data(Tensor tensor) {
      FloatPointer data = super.data(tensor);
      ranges.put(Addresses.of(data), Float.BYTES * tensor.numel());
      return data;
    }

    @Override
    public synchronized boolean holds(Pointer array) {
      long address = Addresses.of(array);
      Map.Entry<Long, Long> range = ranges.floorEntry(address);
      return range != null && address < range.getKey() + range.getValue();
    }
  }
}
