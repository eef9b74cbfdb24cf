package dev.palimpsest.bench;

import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.language.LastLogits;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Precision;
import dev.palimpsest.tensor.Tensors;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** A language model reading a prompt, and questions that begin alike. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class LlmBenchmarks {
  private static final long BUDGET = 1L << 30;

  /** A folder in Hugging Face layout, or embedded. */
  @Param(ModelSource.EMBEDDED)
  String model;

  @Param({"bf16", "fp32"})
  String precision;

  @Param("480")
  int tokens;

  /** 0: one per processor. */
  @Param("0")
  int threads;

  private LanguageModel loaded;
  private List<int[]> prompt;
  private List<int[]> questions;

  @Setup(Level.Trial)
  public void prepare() {
    CoderKernels.cpu().setThreads(threads);
    Tensors.useThreads(CoderKernels.cpu().threads());
    loaded =
        LanguageModel.load(ModelSource.resolve(model), Device.cpu(), Precision.labelled(precision));
    SplittableRandom random = new SplittableRandom(1);
    int[] shared = ids(random, tokens);
    prompt = List.of(shared);
    questions =
        IntStream.range(0, 8)
            .mapToObj(
                i ->
                    IntStream.concat(IntStream.of(shared), IntStream.of(ids(random, 90))).toArray())
            .toList();
  }

  @TearDown(Level.Trial)
  public void close() {
    loaded.close();
  }

  @Benchmark
  public void prefill() {
    run(prompt);
  }

  @Benchmark
  public void eightQuestions() {
    run(questions);
  }

  private void run(List<int[]> sequences) {
    new LastLogits(loaded, BUDGET).of(sequences, (sequence, logits) -> {});
  }

  private int[] ids(SplittableRandom random, int count) {
    return random.ints(count, 0, loaded.config().vocabularySize()).toArray();
  }
}
