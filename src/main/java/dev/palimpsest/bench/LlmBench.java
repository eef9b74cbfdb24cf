package dev.palimpsest.bench;

import com.sun.management.OperatingSystemMXBean;
import dev.palimpsest.base.Environment;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Progress;
import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.language.Decoding;
import dev.palimpsest.language.LastLogits;
import dev.palimpsest.language.Sampling;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelConfig;
import dev.palimpsest.model.ModelFiles;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Precision;
import dev.palimpsest.tensor.Tensors;
import dev.palimpsest.tensor.TorchMemory;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * Times a language model on the CPU: reading a prompt, writing answers, judging labels, and beside
 * it the same model with all its layers by libtorch, one after the other so that both need not be
 * in memory together. Token ids are drawn: what they say costs nothing.
 */
public final class LlmBench {
  /** Answers written together. */
  public static final int ROWS = 8;

  private static final long BUDGET = 1L << 31;
  private static final int PROMPT = 32;
  private static final int UNSHARED = 2;

  /**
   * How much is run.
   *
   * @param prefill tokens of the prompt
   * @param written tokens of an answer
   * @param shared tokens that questions have in common
   * @param own tokens of each question
   * @param questions how many
   * @param threads 0: all processors
   */
  public record Sizes(int prefill, int written, int shared, int own, int questions, int threads) {}

  private final Path folder;
  private final Precision precision;
  private final Sizes sizes;

  /**
   * @param folder of the model
   */
  public LlmBench(Path folder, Precision precision, Sizes sizes) {
    this.folder = folder;
    this.precision = precision;
    this.sizes = sizes;
  }

  /** What was measured of one way of running the model. */
  @SuppressWarnings("ArrayRecordComponent") // handed on once, never compared
  private record Measured(
      double[] prefill,
      double processorMs,
      double decode,
      double batchDecode,
      double questions,
      double unshared) {}

  /**
   * Measures.
   *
   * @param done hears how many of {@code repetitions} of either way are done
   */
  public LlmReport run(int repetitions, IntConsumer done) {
    CoderKernels.cpu().setThreads(sizes.threads());
    int threads = CoderKernels.cpu().threads();
    Tensors.useThreads(threads);
    double peak = ProductPeak.gflops(precision);
    Measured ours;
    ModelConfig config;
    long resident;
    long most;
    try (LanguageModel model = LanguageModel.load(folder, Device.cpu(), precision)) {
      config = model.config();
      ours = measure(model, repetitions, true, done);
      resident = memory("VmRSS");
      most = memory("VmHWM");
    }
    Device libtorch =
        Device.remote(
            "libtorch",
            CoderKernels.cpu(),
            new TorchMemory("cpu", () -> null),
            Precision.FP32,
            () -> 0);
    Measured eager;
    try (LanguageModel model = LanguageModel.load(folder, libtorch, precision)) {
      eager = measure(model, repetitions, false, done);
    }
    Timings prefill = Timings.of(ours.prefill);
    double rate = sizes.prefill() * 1e3 / prefill.median();
    double gflops = 2e-9 * config.denseWeights() * rate;
    return new LlmReport(
        config.layers(),
        config.width(),
        precision.label(),
        threads,
        sizes.prefill(),
        rate,
        ours.processorMs,
        ours.decode,
        ours.batchDecode,
        sizes.shared(),
        sizes.own(),
        ours.questions,
        ours.unshared,
        peak,
        gflops,
        gflops / peak,
        weightBytes(),
        resident,
        most,
        sizes.prefill() * 1e3 / Timings.of(eager.prefill).median(),
        eager.processorMs,
        eager.decode,
        Timings.medianRatio(eager.prefill, ours.prefill),
        prefill,
        Environment.here(Map.of("kernels", CoderKernels.cpu().describe())));
  }

  private Measured measure(
      LanguageModel model, int repetitions, boolean questionsToo, IntConsumer done) {
    SplittableRandom random = new SplittableRandom(1);
    List<int[]> prompt = List.of(ids(model, random, sizes.prefill()));
    run(model, prompt, BUDGET);
    double[] prefill = new double[repetitions];
    double[] processor = new double[repetitions];
    for (int i = 0; i < repetitions; i++) {
      double before = processorMs();
      prefill[i] = Timings.time(() -> run(model, prompt, BUDGET));
      processor[i] = processorMs() - before;
      done.accept(i + 1);
    }
    double spent = Timings.of(processor).median();
    double decode = written(model, random, 1);
    if (!questionsToo) {
      return new Measured(prefill, spent, decode, 0, 0, 0);
    }
    int[] shared = ids(model, random, sizes.shared());
    List<int[]> questions = new ArrayList<>();
    for (int i = 0; i < sizes.questions(); i++) {
      int[] own = ids(model, random, sizes.own());
      questions.add(IntStream.concat(IntStream.of(shared), IntStream.of(own)).toArray());
    }
    double together = Timings.time(() -> run(model, questions, BUDGET));
    int count = Math.min(UNSHARED, questions.size());
    double apart =
        Timings.time(
            () -> questions.subList(0, count).forEach(q -> run(model, List.of(q), BUDGET)));
    return new Measured(
        prefill,
        spent,
        decode,
        written(model, random, ROWS),
        questions.size() * 1e3 / together,
        count * 1e3 / apart);
  }

  private static void run(LanguageModel model, List<int[]> sequences, long budget) {
    new LastLogits(model, budget).of(sequences, (sequence, logits) -> {});
  }

  /** Tokens a second of answers written together, the reading of their short prompts included. */
  private double written(LanguageModel model, SplittableRandom random, int rows) {
    List<int[]> prompts = new ArrayList<>();
    for (int i = 0; i < rows; i++) {
      prompts.add(ids(model, random, PROMPT));
    }
    Decoding decoding = new Decoding(model, Set.of(), BUDGET);
    decoding.answers(prompts, Sampling.greedy(1), Progress.SILENT);
    double all =
        Timings.time(
            () -> decoding.answers(prompts, Sampling.greedy(sizes.written()), Progress.SILENT));
    return rows * sizes.written() * 1e3 / all;
  }

  /** Processor time of this process so far, all threads together. */
  private static double processorMs() {
    return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getProcessCpuTime()
        / 1e6;
  }

  private static int[] ids(LanguageModel model, SplittableRandom random, int count) {
    return random.ints(count, 0, model.config().vocabularySize()).toArray();
  }

  private long weightBytes() {
    long bytes = 0;
    for (Path file : ModelFiles.of(folder)) {
      try {
        bytes += file.toString().endsWith(".safetensors") ? Files.size(file) : 0;
      } catch (IOException failure) {
        throw new PalimpsestException("cannot read " + file, failure);
      }
    }
    return bytes;
  }

  /** A number of bytes that the system keeps of this process; 0 where it does not. */
  private static long memory(String key) {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
        if (line.startsWith(key + ":")) {
          return Long.parseLong(line.replaceAll("\\D", "")) << 10;
        }
      }
    } catch (IOException notLinux) {
      return 0;
    }
    return 0;
  }
}
