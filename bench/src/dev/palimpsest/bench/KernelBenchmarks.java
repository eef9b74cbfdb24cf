package dev.palimpsest.bench;

import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Devices;
import dev.palimpsest.tensor.Precision;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** By shape, on synthetic rows. */
@State(Scope.Benchmark)
public class KernelBenchmarks extends StepBenchmarks {
  @Param({"768", "2048"})
  int width;

  @Param({"16384", "32768", "65536", "131072"})
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

  @Setup(Level.Trial)
  public void prepare() {
    int count = threads > 0 ? threads : Runtime.getRuntime().availableProcessors();
    Device where = Devices.choose(device, Precision.labelled(precision)).device();
    ready(BenchProblem.synthetic(new BenchShape(width, latents, k, batch, count), where));
  }
}
