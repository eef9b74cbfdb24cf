package dev.palimpsest.cli;

import dev.palimpsest.tensor.Devices;
import dev.palimpsest.train.bench.BenchReport;
import dev.palimpsest.train.bench.BenchShape;
import dev.palimpsest.train.bench.ShortBench;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code palimpsest bench}: how fast the kernels are on this machine. */
@Command(
    name = "bench",
    description =
        "Times encode and a whole training step beside libtorch's bare product and eager step.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Medians of interleaved repetitions on heavy-tailed, clustered data; a transcoder trained by Adam.",
      "java_share is an upper bound: the time of a step on a problem of size one over that of a step."
    })
final class BenchCommand implements Callable<Integer> {
  @Option(names = "--d", paramLabel = "D", description = "Width (default: 768).")
  private Optional<Integer> width = Optional.empty();

  @Option(names = "--latents", paramLabel = "M", description = "Latents (default: 32768).")
  private Optional<Integer> latents = Optional.empty();

  @Option(names = "--k", paramLabel = "K", description = "Latents kept per row (default: 32).")
  private Optional<Integer> k = Optional.empty();

  @Option(names = "--batch", paramLabel = "B", description = "Rows of a step (default: 1024).")
  private Optional<Integer> batch = Optional.empty();

  @Option(names = "--threads", paramLabel = "P", description = "Threads (default: all processors).")
  private Optional<Integer> threads = Optional.empty();

  @Option(
      names = "--repetitions",
      paramLabel = "N",
      defaultValue = "9",
      description = "Repetitions of each measurement (default: ${DEFAULT-VALUE}).")
  private int repetitions;

  @Mixin private DeviceOptions device;
  @Mixin private OutputOptions output;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    BenchShape usual = ShortBench.defaultShape();
    BenchShape shape =
        new BenchShape(
            width.orElse(usual.width()),
            latents.orElse(usual.latents()),
            k.orElse(usual.k()),
            batch.orElse(usual.batch()),
            threads.orElse(usual.threads()));
    int count = Math.max(1, repetitions);
    ConsoleLog log = output.log(spec.commandLine().getErr());
    Devices.Choice chosen = device.choose();
    log.device(chosen.describe());
    BenchReport report =
        new ShortBench(shape, count, chosen.device())
            .run(done -> log.progress("repetitions", done, count));
    output.print(spec.commandLine().getOut(), report, text(report));
    return 0;
  }

  private static String text(BenchReport report) {
    BenchShape shape = report.shape();
    return String.format(
        Locale.ROOT,
        """
        d %d, M %d, k %d, B %d, %d threads, %s; %s, %s
        bare product         %8.1f ms
        encode               %8.1f ms   %.2f of the product
        decode               %8.1f ms
        training step        %8.1f ms   %.0f tokens/s
        eager libtorch step  %8.1f ms   %.1f times ours
        memory of a step     %8.1f MiB  %.3f of what it needs at least
        Java's share         %8.4f      at most""",
        shape.width(),
        shape.latents(),
        shape.k(),
        shape.batch(),
        shape.threads(),
        report.optimizer(),
        report.environment().processor(),
        report.environment().libraries().get("kernels"),
        report.sgemmMs(),
        report.encodeMs(),
        report.encodeOverSgemm(),
        report.decodeMs(),
        report.stepMs(),
        report.tokensPerSecond(),
        report.eagerStepMs(),
        report.eagerOverStep(),
        report.peakBytes() / 1048576.0,
        report.peakBytes() / (double) report.neededBytes(),
        report.javaShare());
  }
}
