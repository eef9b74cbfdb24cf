package dev.palimpsest.bench;

import dev.palimpsest.activations.Hook;
import dev.palimpsest.base.Environment;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.TokenWindows;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.IntConsumer;
import java.util.function.Supplier;

/**
 * The short form of the benchmarks: the bare product, our encode, our whole training step and
 * libtorch's eager one, interleaved, so that a busy machine disturbs all of them alike; of two runs
 * in a row the second counts, so that none pays for what the one before has left behind. On a GPU
 * both kinds of step are queued, many at a time, and the last is waited for, as training does.
 */
public final class ShortBench {
  private static final int WARM_UP = 2;

  private final BenchShape shape;
  private final String data;
  private final Device device;
  private final Supplier<BenchProblem> problems;

  private ShortBench(
      BenchShape shape, String data, Device device, Supplier<BenchProblem> problems) {
    this.shape = shape;
    this.device = device;
    this.data = data;
    this.problems = problems;
  }

  /**
   * A new coder on heavy-tailed, clustered rows.
   *
   * @param device where all of it runs
   */
  public static ShortBench synthetic(BenchShape shape, Device device) {
    return new ShortBench(shape, "synthetic", device, () -> BenchProblem.synthetic(shape, device));
  }

  /**
   * A trained transcoder on activations of its own model.
   *
   * @param coder its folder
   * @param hookpoint where it belongs
   * @param windows text
   * @param batch rows of a step
   * @param device where all of it runs; the model stays on the CPU
   * @throws PalimpsestException where the text has fewer rows, or coder and model do not fit
   */
  public static ShortBench trained(
      Path coder,
      LanguageModel model,
      String hookpoint,
      TokenWindows windows,
      ExcludedTokens excluded,
      int batch,
      int threads,
      Device device) {
    SparseCoder loaded = SparseCoder.load(coder, device);
    CoderConfig config = loaded.config();
    if (config.width() != model.config().width()) {
      loaded.close();
      throw new UsageException(
          "the coder has width " + config.width() + ", the model " + model.config().width());
    }
    BenchShape shape =
        new BenchShape(config.width(), config.numLatents(), config.k(), batch, threads);
    Hook hook = new Hook(hookpoint, config.transcode());
    return new ShortBench(
        shape,
        "trained coder of " + hookpoint,
        device,
        () -> {
          try (BenchBatch rows = RealBatch.read(model, hook, windows, excluded, batch)) {
            return BenchProblem.trained(loaded, rows, shape, device);
          }
        });
  }

  /** The shape measured by default: Pythia-160m's width, the paper's latents and k. */
  public static BenchShape defaultShape() {
    return new BenchShape(768, 32_768, 32, 1024, Runtime.getRuntime().availableProcessors());
  }

  /**
   * Measures.
   *
   * @param repetitions of every measurement, after two that do not count
   * @param progress called with the number of repetitions done
   */
  public BenchReport run(int repetitions, IntConsumer progress) {
    double[] sgemm = new double[repetitions];
    double[] encode = new double[repetitions];
    double[] decode = new double[repetitions];
    double[] step = new double[repetitions];
    double[] eagerStep = new double[repetitions];
    double[] faults = new double[repetitions];
    long peak;
    long needed;
    try (BenchProblem problem = problems.get()) {
      for (int run = -WARM_UP; run < repetitions; run++) {
        int at = Math.max(run, 0);
        sgemm[at] = Timings.timeAgain(problem::product);
        encode[at] = Timings.timeAgain(problem::encode);
        decode[at] = Timings.timeAgain(problem::decode);
        step[at] = Timings.timeAgain(problem::steps) / problem.together();
        problem.eagerSteps();
        long before = PageFaults.soFar();
        eagerStep[at] = Timings.time(problem::eagerSteps) / problem.together();
        faults[at] = (double) (PageFaults.soFar() - before) / problem.together();
        if (run >= 0) {
          progress.accept(run + 1);
        }
      }
      peak = problem.peakBytes();
      needed = problem.neededBytes();
    }
    double stepMs = Timings.of(step).median();
    return new BenchReport(
        shape,
        data,
        "adam",
        repetitions,
        Timings.of(sgemm).median(),
        Timings.of(encode).median(),
        Timings.medianRatio(encode, sgemm),
        Timings.of(decode).median(),
        stepMs,
        Timings.of(eagerStep).median(),
        Timings.medianRatio(eagerStep, step),
        (long) Timings.of(faults).median(),
        shape.batch() / (stepMs / 1e3),
        peak,
        needed,
        smallestStepMs(device) / stepMs,
        Timings.of(sgemm),
        Timings.of(encode),
        Timings.of(step),
        Timings.of(eagerStep),
        Environment.here(Map.of("kernels", device.describe())));
  }

  /** Milliseconds of a step on a problem of size one, where nearly all time is Java's. */
  private static double smallestStepMs(Device device) {
    int runs = 2000;
    int threads = CoderKernels.cpu().threads();
    try (BenchProblem problem = BenchProblem.synthetic(new BenchShape(1, 1, 1, 1, 1), device)) {
      runs /= problem.together();
      double[] times = new double[runs];
      for (int i = -runs; i < runs; i++) {
        times[Math.max(i, 0)] = Timings.time(problem::steps) / problem.together();
      }
      return Timings.of(times).median();
    } finally {
      CoderKernels.cpu().setThreads(threads);
    }
  }
}
