package dev.palimpsest.cli;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.bench.BenchReport;
import dev.palimpsest.bench.BenchShape;
import dev.palimpsest.bench.ShortBench;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Devices;
import dev.palimpsest.text.Corpus;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.Split;
import java.nio.file.Path;
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
    subcommands = {EndToEndBenchCommand.class, LlmBenchCommand.class, MakeModelCommand.class},
    footer = {
      "",
      "Medians of interleaved repetitions on heavy-tailed, clustered data; a transcoder trained by"
          + " Adam.",
      "java_share is an upper bound: the time of a step on a problem of size one over that of a"
          + " step."
    })
final class BenchCommand implements Callable<Integer> {
  private static final int CONTEXT_LENGTH = 256;

  @Option(names = "--d", paramLabel = "D", description = "Width (default: 768).")
  private Optional<Integer> width = Optional.empty();

  @Option(
      names = "--coder",
      paramLabel = "CODER",
      description =
          "A trained transcoder's folder, to be timed on activations of its own model; brings d, M"
              + " and k.")
  private Optional<Path> coder = Optional.empty();

  @Option(
      names = "--model",
      paramLabel = "MODEL",
      defaultValue = ModelSource.EMBEDDED,
      description = "The coder's model: a folder in Hugging Face layout, or 'embedded'.")
  private String model = ModelSource.EMBEDDED;

  @Option(
      names = "--hookpoint",
      paramLabel = "H",
      description = "Where the coder belongs; by default the name of its folder.")
  private Optional<String> hookpoint = Optional.empty();

  @Mixin private TextOptions text = new TextOptions();
  @Mixin private DeviceOptions device;
  @Mixin private BenchOptions sizes = new BenchOptions();
  @Mixin private OutputOptions output;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    ConsoleLog log = output.log(spec.commandLine().getErr());
    sizes.limitInstructions();
    Devices.Choice chosen = device.choose();
    log.device(chosen.describe());
    BenchReport report =
        coder.isPresent()
            ? trained(coder.get(), chosen.device(), log)
            : synthetic(chosen.device(), log);
    output.print(spec.commandLine().getOut(), report, text(report));
    return 0;
  }

  private BenchReport synthetic(Device where, ConsoleLog log) {
    BenchShape shape = sizes.shape(width.orElse(ShortBench.defaultShape().width()));
    return run(ShortBench.synthetic(shape, where), log);
  }

  private BenchReport trained(Path folder, Device where, ConsoleLog log) {
    if (width.isPresent() || sizes.namesCoder()) {
      throw new UsageException("--coder brings its own width, latents and k");
    }
    Path found = SparseCoder.find(folder);
    Path modelFolder = ModelSource.resolve(model);
    try (LanguageModel loaded = LanguageModel.load(modelFolder, Device.cpu())) {
      Corpus corpus = text.open(modelFolder, loaded.config().vocabularySize(), 0);
      corpus.requireVocabulary(loaded.config().vocabularySize());
      return run(
          ShortBench.trained(
              found,
              loaded,
              hookpoint.orElseGet(() -> CoderPlace.of(found, loaded)),
              corpus.windows(Split.TRAIN, CONTEXT_LENGTH),
              ExcludedTokens.parse("auto", corpus),
              sizes.batch(),
              sizes.threads(),
              where),
          log);
    }
  }

  private BenchReport run(ShortBench bench, ConsoleLog log) {
    int count = sizes.repetitions();
    return bench.run(count, done -> log.advanced("measuring", "repetitions", done, count));
  }

  private static String text(BenchReport report) {
    BenchShape shape = report.shape();
    return String.format(
        Locale.ROOT,
        """
        d %d, M %d, k %d, B %d, %d threads, %s, %s; %s, %s
        bare product         %8.1f ms
        encode               %8.1f ms   %.2f of the product
        decode               %8.1f ms
        training step        %8.1f ms   %.0f tokens/s
        eager libtorch step  %8.1f ms   %.1f times ours; %,d page faults
        memory of a step     %8.1f MiB  %.3f of what it needs at least
        Java's share         %8.4f      at most\
        """,
        shape.width(),
        shape.latents(),
        shape.k(),
        shape.batch(),
        shape.threads(),
        report.optimizer(),
        report.data(),
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
        report.eagerPageFaults(),
        report.peakBytes() / 1048576.0,
        report.peakBytes() / (double) report.neededBytes(),
        report.javaShare());
  }
}
