package dev.palimpsest.tensor;

import dev.palimpsest.base.DeviceUnavailableException;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.kernels.CudaKernels;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Finds the device that was asked for: {@code cpu}, {@code cuda}, or {@code auto}, which is cuda
 * where that is usable. What cannot be used is never quietly replaced: {@code cuda} fails, and
 * {@code auto} says what it chose and why.
 */
public final class Devices {
  /** The words there are. */
  public static final List<String> WORDS = List.of("cpu", "cuda", "auto");

  private Devices() {}

  /**
   * What a word stands for here.
   *
   * @param device the device
   * @param why why it was chosen, where there was a choice; else empty
   */
  public record Choice(Device device, String why) {
    /** In one line, for people: {@code cuda sm_90 ..., bf16}. */
    public String describe() {
      return device.describe() + (why.isEmpty() ? "" : " (" + why + ")");
    }
  }

  /** One thing that a GPU needs: whether it is there, and what was found. */
  public record Finding(boolean ok, String found) {}

  /**
   * The device of a word.
   *
   * @param precision of coders' products on a GPU; the CPU's are always fp32
   * @throws UsageException for a word that is not known
   * @throws DeviceUnavailableException for {@code cuda} where it cannot be used
   */
  public static Choice choose(String word, Precision precision) {
    return switch (word) {
      case "cpu" -> new Choice(Device.cpu(), "");
      case "cuda" -> {
        Optional<String> missing = missing();
        if (missing.isPresent()) {
          throw new DeviceUnavailableException("no CUDA device can be used: " + missing.get());
        }
        yield new Choice(cuda(precision), "");
      }
      case "auto" ->
          missing().isPresent()
              ? new Choice(Device.cpu(), "no CUDA device can be used; 'palimpsest doctor' says why")
              : new Choice(cuda(precision), "");
      default ->
          throw new UsageException(
              "unknown device '" + word + "'; known: " + String.join(", ", WORDS));
    };
  }

  /** Why no GPU can be used, in one line; empty where one can. */
  public static Optional<String> missing() {
    List<String> faults = new ArrayList<>();
    for (Finding finding : List.of(libtorch(), kernels())) {
      if (!finding.ok()) {
        faults.add(finding.found());
      }
    }
    return faults.isEmpty() ? Optional.empty() : Optional.of(String.join("; ", faults));
  }

  /** Whether libtorch can use a GPU. */
  public static Finding libtorch() {
    Optional<String> missing = CudaTorch.load();
    return new Finding(missing.isEmpty(), missing.orElse("libtorch finds a GPU"));
  }

  /** Whether our CUDA kernels can be used. */
  public static Finding kernels() {
    CudaKernels.Status status = CudaKernels.status();
    return new Finding(status.usable(), status.description());
  }

  private static Device cuda(Precision precision) {
    TorchMemory memory = new TorchMemory("cuda", CudaTorch::stream);
    CoderKernels kernels = CoderKernels.open(CudaKernels.library(), memory);
    return Device.remote("cuda", kernels, memory, precision, CudaTorch::usedBytes);
  }
}
