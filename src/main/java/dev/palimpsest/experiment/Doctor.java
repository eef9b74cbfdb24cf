package dev.palimpsest.experiment;

import dev.palimpsest.base.Environment;
import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.tensor.Devices;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Looks at what this machine offers, what is missing, and what to do about it. */
public final class Doctor {
  private static final long TOOL_TIMEOUT_SECONDS = 10;

  private Doctor() {}

  /** How one thing stands. */
  public enum State {
    /** It is there and works. */
    PRESENT,
    /** It is not there, and Palimpsest runs without it. */
    ABSENT,
    /** Palimpsest cannot run as long as this is so. */
    BROKEN
  }

  /**
   * One thing looked at.
   *
   * @param name what
   * @param state how it stands
   * @param found what was found, for people
   * @param advice what to do; empty where nothing need be done
   */
  public record Finding(String name, State state, String found, String advice) {
    static Finding present(String name, String found) {
      return new Finding(name, State.PRESENT, found, "");
    }

    static Finding absent(String name, String found, String advice) {
      return new Finding(name, State.ABSENT, found, advice);
    }
  }

  /**
   * Everything that was looked at.
   *
   * @param environment the machine
   * @param findings in the order of printing
   */
  public record Diagnosis(Environment environment, List<Finding> findings) {
    /** Whether Palimpsest can run here. */
    public boolean healthy() {
      return findings.stream().noneMatch(finding -> finding.state() == State.BROKEN);
    }
  }

  /** Looks at this machine; loads the native libraries and takes a second or two. */
  public static Diagnosis examine() {
    List<Finding> findings = new ArrayList<>();
    Map<String, String> libraries = new java.util.TreeMap<>();
    findings.add(
        attempt(
            "kernels",
            () -> {
              String described = CoderKernels.cpu().describe();
              libraries.put("kernels", described);
              return described;
            },
            "rebuild with ./mvnw -B process-classes"));
    findings.add(
        attempt(
            "libtorch",
            () -> {
              String described = dev.palimpsest.model.LibtorchInfo.describe();
              libraries.put("libtorch", described);
              return described;
            },
            "delete ~/.javacpp and try again; the libraries are unpacked there"));
    Environment environment = Environment.here(libraries);
    findings.add(instructionSet(environment));
    findings.add(memory(environment));
    findings.add(compiler("C++ compiler", "g++"));
    findings.add(compiler("CMake", "cmake"));
    findings.add(compiler("CUDA compiler (optional)", "nvcc"));
    findings.add(gpu());
    findings.add(optional("libtorch's CUDA (optional)", Devices.libtorch()));
    findings.add(optional("CUDA kernels (optional)", Devices.kernels()));
    findings.add(attempt("device", Doctor::device, ""));
    return new Diagnosis(environment, findings);
  }

  private static Finding attempt(
      String name, java.util.function.Supplier<String> look, String advice) {
    try {
      return Finding.present(name, look.get());
    } catch (LinkageError | RuntimeException failure) {
      return new Finding(name, State.BROKEN, "not usable: " + failure.getMessage(), advice);
    }
  }

  private static Finding optional(String name, Devices.Finding finding) {
    return finding.ok()
        ? Finding.present(name, finding.found())
        : Finding.absent(name, finding.found(), "");
  }

  private static Finding instructionSet(Environment environment) {
    boolean vector = environment.processorFlags().contains("avx2");
    return new Finding(
        "processor",
        State.PRESENT,
        environment.processor()
            + ", "
            + environment.processors()
            + " usable, "
            + (environment.processorFlags().isEmpty()
                ? "no AVX2"
                : String.join(" ", environment.processorFlags())),
        vector ? "" : "kernels fall back to portable code, several times slower");
  }

  private static Finding memory(Environment environment) {
    double gib = environment.memoryBytes() / (double) (1L << 30);
    boolean enough = environment.memoryBytes() == 0 || gib >= 2;
    return new Finding(
        "memory",
        enough ? State.PRESENT : State.BROKEN,
        environment.memoryBytes() == 0
            ? "unknown"
            : String.format(java.util.Locale.ROOT, "%.1f GiB", gib),
        enough ? "" : "the demo wants 2 GiB");
  }

  private static Finding compiler(String name, String command) {
    boolean gpuOnly = command.equals("nvcc");
    return firstLine(command, "--version")
        .map(version -> Finding.present(name, version))
        .orElseGet(
            () ->
                Finding.absent(
                    name,
                    "not on the PATH",
                    gpuOnly ? "" : "needed only to rebuild; install " + command));
  }

  /** A GPU is optional: without one everything runs on the CPU. */
  private static Finding gpu() {
    Optional<String> listed = firstLine("nvidia-smi", "--list-gpus");
    if (listed.isEmpty()) {
      return Finding.absent(
          "GPU (optional)", "none: no NVIDIA driver answers (nvidia-smi not found)", "");
    }
    return new Finding("GPU (optional)", State.PRESENT, listed.get(), "see docs/gpu.md");
  }

  /** What {@code --device auto} stands for here. */
  private static String device() {
    return Devices.missing().isPresent()
        ? "cpu; 'auto' will use a GPU once all that is optional above is there"
        : "cuda";
  }

  private static Optional<String> firstLine(String... command) {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getOutputStream().close();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!process.waitFor(TOOL_TIMEOUT_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
        process.destroy();
        return Optional.empty();
      }
      return output
          .lines()
          .filter(line -> !line.isBlank())
          .reduce((first, last) -> command[0].equals("nvcc") ? last : first);
    } catch (IOException absent) {
      return Optional.empty();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }
}
