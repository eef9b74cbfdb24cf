package dev.palimpsest.train.bench;

import dev.palimpsest.base.Environment;
import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.tensor.Device;
import java.util.Map;
import java.util.function.IntConsumer;

/**
 * The short form of the benchmarks: the bare product, our encode, our whole training step and
 * libtorch's eager one, interleaved, so that a busy machine disturbs all of them alike.
 */
public final class ShortBench {
  private static final int WARM_UP = 2;

  private final BenchShape shape;
  private final int repetitions;
  private final Device device;

  /**
   * @param repetitions of every measurement, after two that do not count
   * @param device where all of it runs
   */
  public ShortBench(BenchShape shape, int repetitions, Device device) {
    this.device = device;
    this.shape = shape;
    this.repetitions = repetitions;
  }

  /** The shape measured by default: Pythia-160m's width, the paper's latents and k. */
  public static BenchShape defaultShape() {
    return new BenchShape(768, 32_768, 32, 1024, Runtime.getRuntime().availableProcessors());
  }

  /**
   * Measures.
   *
   * @param progress called with the number of repetitions done
   */
  public BenchReport run(IntConsumer progress) {
    double[] sgemm = new double[repetitions];
    double[] encode = new double[repetitions];
    double[] decode = new double[repetitions];
    double[] step = new double[repetitions];
    double[] eagerStep = new double[repetitions];
    long peak;
    long needed;
    try (BenchProblem problem = new BenchProblem(shape, device)) {
      for (int run = -WARM_UP; run < repetitions; run++) {
        int at = Math.max(run, 0);
        sgemm[at] = time(problem::product);
        encode[at] = time(problem::encode);
        decode[at] = time(problem::decode);
        step[at] = time(problem::step);
        eagerStep[at] = time(problem::eagerStep);
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
        "adam",
        repetitions,
        Timings.of(sgemm).median(),
        Timings.of(encode).median(),
        Timings.of(ratios(encode, sgemm)).median(),
        Timings.of(decode).median(),
        stepMs,
        Timings.of(eagerStep).median(),
        Timings.of(ratios(eagerStep, step)).median(),
        shape.batch() / (stepMs / 1e3),
        peak,
        needed,
        smallestStepMs() / stepMs,
        Timings.of(sgemm),
        Timings.of(encode),
        Timings.of(step),
        Timings.of(eagerStep),
        Environment.here(Map.of("kernels", device.describe())));
  }

  /** Milliseconds of a step on a problem of size one, where nearly all time is Java's. */
  private double smallestStepMs() {
    int steps = 2000;
    double[] times = new double[steps];
    int threads = CoderKernels.cpu().threads();
    try (BenchProblem problem = new BenchProblem(new BenchShape(1, 1, 1, 1, 1), device)) {
      for (int i = -steps; i < steps; i++) {
        times[Math.max(i, 0)] = time(problem::step);
      }
    } finally {
      CoderKernels.cpu().setThreads(threads);
    }
    return Timings.of(times).median();
  }

  private static double time(Runnable work) {
    long start = System.nanoTime();
    work.run();
    return (System.nanoTime() - start) / 1e6;
  }

  private static double[] ratios(double[] above, double[] below) {
    double[] ratios = new double[above.length];
    for (int i = 0; i < ratios.length; i++) {
      ratios[i] = above[i] / below[i];
    }
    return ratios;
  }
}
