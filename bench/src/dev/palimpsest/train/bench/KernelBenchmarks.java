package dev.palimpsest.train.bench;

import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Devices;
import dev.palimpsest.tensor.Precision;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** The kernels and whole steps by shape, beside libtorch; see bench/README.md for how to run it. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2)
@Measurement(iterations = 7)
@Fork(
    value = 3,
    jvmArgsAppend = {
      "-Xmx512m",
      "-Dorg.bytedeco.javacpp.maxphysicalbytes=0",
      "-Dorg.bytedeco.javacpp.nopointergc=true"
    })
public class KernelBenchmarks {
  @Param({"768", "2048"})
  int width;

  @Param({"16384", "32768", "131072"})
  int latents;

  @Param({"32", "64"})
  int k;

  @Param("1024")
  int batch;

  /** 0: one per processor. */
  @Param("0")
  int threads;

  /** cpu or cuda. */
  @Param("cpu")
  String device;

  /** Of the coder's products on cuda: bf16 or fp32. */
  @Param("bf16")
  String precision;

  private BenchProblem problem;

  @Setup(Level.Trial)
  public void prepare() {
    int count = threads > 0 ? threads : Runtime.getRuntime().availableProcessors();
    Device where = Devices.choose(device, Precision.labelled(precision)).device();
    problem = BenchProblem.synthetic(new BenchShape(width, latents, k, batch, count), where);
    problem.step();
    problem.encode();
  }

  @TearDown(Level.Trial)
  public void free() {
    problem.close();
  }

  @Benchmark
  public void sgemm() {
    problem.product();
  }

  @Benchmark
  public void encode() {
    problem.encode();
  }

  @Benchmark
  public void decode() {
    problem.decode();
  }

  @Benchmark
  public double step() {
    return problem.step();
  }

  @Benchmark
  public double eagerStep() {
    return problem.eagerStep();
  }
}
