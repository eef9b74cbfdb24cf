package dev.palimpsest.bench;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** The kernels and whole steps beside libtorch; see bench/README.md for how to run them. */
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
public abstract class StepBenchmarks {
  private BenchProblem problem;

  /** Takes over the problem and runs it once. */
  final void ready(BenchProblem made) {
    problem = made;
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
