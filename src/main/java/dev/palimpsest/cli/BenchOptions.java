package dev.palimpsest.cli;

import dev.palimpsest.bench.BenchShape;
import dev.palimpsest.bench.ShortBench;
import dev.palimpsest.kernels.CoderKernels;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The sizes of a benchmark's coder and batch, and how often it is measured. */
final class BenchOptions {
  @Option(names = "--latents", paramLabel = "M", description = "Latents (default: 32768).")
  private Optional<Integer> latents = Optional.empty();

  @Option(names = "--k", paramLabel = "K", description = "Latents kept per row (default: 32).")
  private Optional<Integer> k = Optional.empty();

  @Option(names = "--batch", paramLabel = "B", description = "Rows of a step (default: 1024).")
  private Optional<Integer> batch = Optional.empty();

  @Option(names = "--threads", paramLabel = "P", description = "Threads (default: all processors).")
  private Optional<Integer> threads = Optional.empty();

  @Option(
      names = "--instructions",
      paramLabel = "SET",
      description =
          "Of our kernels on the CPU: portable, avx2, avx512, avx512vnni, avx512bf16 or amx"
              + " (default: the best there is, but amx).")
  private Optional<String> instructions = Optional.empty();

  @Option(
      names = "--repetitions",
      paramLabel = "N",
      defaultValue = "9",
      description = "Repetitions of each measurement (default: ${DEFAULT-VALUE}).")
  private int repetitions;

  /** Limits our kernels to the instructions asked for, for this process. */
  void limitInstructions() {
    instructions.ifPresent(CoderKernels.cpu()::setInstructionSet);
  }

  /** The shape asked for, with the usual sizes where nothing was said. */
  BenchShape shape(int width) {
    BenchShape usual = ShortBench.defaultShape();
    return new BenchShape(
        width, latents.orElse(usual.latents()), k.orElse(usual.k()), batch(), threads());
  }

  int batch() {
    return batch.orElse(ShortBench.defaultShape().batch());
  }

  int threads() {
    return threads.orElse(ShortBench.defaultShape().threads());
  }

  int repetitions() {
    return Math.max(1, repetitions);
  }

  /** Whether sizes were named that a trained coder brings along. */
  boolean namesCoder() {
    return latents.isPresent() || k.isPresent();
  }
}
