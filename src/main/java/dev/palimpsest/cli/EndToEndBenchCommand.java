package dev.palimpsest.cli;

import dev.palimpsest.base.TemporaryFolder;
import dev.palimpsest.bench.BenchShape;
import dev.palimpsest.bench.EndToEndBench;
import dev.palimpsest.bench.EndToEndReport;
import dev.palimpsest.bench.PythiaShape;
import dev.palimpsest.bench.RandomModel;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Precision;
import dev.palimpsest.text.Corpus;
import dev.palimpsest.text.CorpusOptions;
import dev.palimpsest.text.Split;
import dev.palimpsest.text.TokenWindows;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code palimpsest bench end-to-end}: training with the language model. */
@Command(
    name = "end-to-end",
    description = {
      "Times training of a transcoder with its language model, beside the same by eager libtorch:",
      "all blocks of the model, then the coder operation by operation."
    },
    mixinStandardHelpOptions = true)
final class EndToEndBenchCommand implements Callable<Integer> {
  private static final int RANDOM_TOKENS = 1_000_000;

  @Option(
      names = "--model",
      paramLabel = "DIR",
      description =
          "A model made by 'bench make-model' (default: one of Pythia-160m's shape, made for this"
              + " run in a temporary folder).")
  private Optional<Path> model = Optional.empty();

  @Option(
      names = "--hookpoint",
      paramLabel = "H",
      defaultValue = "layers.6.mlp",
      description = "Where the transcoder is trained (default: ${DEFAULT-VALUE}).")
  private String hookpoint = "";

  @Option(
      names = "--ctx-len",
      paramLabel = "T",
      defaultValue = "256",
      description = "Tokens of a sequence (default: ${DEFAULT-VALUE}).")
  private int contextLength;

  @Option(
      names = "--precision",
      paramLabel = "bf16|fp32",
      defaultValue = "fp32",
      description = "Of the language model's dense layers, in both (default: ${DEFAULT-VALUE}).")
  private String precision = "fp32";

  @Mixin private BenchOptions sizes = new BenchOptions();
  @Mixin private OutputOptions output;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    sizes.limitInstructions();
    try (Subject subject = model.map(this::open).orElseGet(this::made)) {
      ConsoleLog log = output.log(spec.commandLine().getErr());
      int count = sizes.repetitions();
      BenchShape shape = sizes.shape(subject.model().config().width());
      EndToEndReport report =
          new EndToEndBench(subject.model(), hookpoint, subject.windows(), shape)
              .run(count, done -> log.advanced("measuring", "repetitions", done, count));
      output.print(spec.commandLine().getOut(), report, text(report));
    }
    return 0;
  }

  /** A model and tokens for it, open. */
  private record Subject(LanguageModel model, TokenWindows windows) implements AutoCloseable {
    @Override
    public void close() {
      model.close();
    }
  }

  /** A new model, whose files are gone as soon as they have been read. */
  private Subject made() {
    try (TemporaryFolder folder = TemporaryFolder.make("palimpsest-bench")) {
      RandomModel.write(folder.path(), PythiaShape.PYTHIA_160M, RANDOM_TOKENS, 0);
      return open(folder.path());
    }
  }

  private Subject open(Path folder) {
    LanguageModel loaded = LanguageModel.load(folder, Device.cpu(), Precision.labelled(precision));
    Corpus corpus =
        Corpus.openFor(
            folder,
            loaded.config().vocabularySize(),
            List.of(folder.resolve(RandomModel.TOKENS).toString()),
            0,
            Corpus.defaultCache(),
            CorpusOptions.defaults());
    return new Subject(loaded, corpus.windows(Split.TRAIN, contextLength));
  }

  private static String text(EndToEndReport report) {
    BenchShape shape = report.shape();
    return String.format(
        Locale.ROOT,
        """
        %d layers in %s, hook %s, ctx %d; d %d, M %d, k %d, B %d, %d threads; %s, %s
        ours:  model to the hook %8.1f ms, coder step %8.1f ms: %8.0f tokens/s
        eager: all its blocks    %8.1f ms, coder step %8.1f ms: %8.0f tokens/s
               with its head     %8.1f ms more:                  %8.0f tokens/s
        ours is %.2f times as fast, %.2f times where the other runs the head too
        the language model takes %.0f %% of our step\
        """,
        report.layers(),
        report.precision(),
        report.hookpoint(),
        report.contextLength(),
        shape.width(),
        shape.latents(),
        shape.k(),
        shape.batch(),
        shape.threads(),
        report.environment().processor(),
        report.environment().libraries().get("kernels"),
        report.forwardMs(),
        report.updateMs(),
        report.tokensPerSecond(),
        report.fullForwardMs(),
        report.eagerUpdateMs(),
        report.eagerTokensPerSecond(),
        report.headMs(),
        report.eagerWithHeadTokensPerSecond(),
        report.eagerOverStep(),
        report.eagerWithHeadOverStep(),
        100 * report.forwardShare());
  }
}
