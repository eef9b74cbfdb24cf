package dev.palimpsest.cli;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.evaluate.CoderEvaluation;
import dev.palimpsest.evaluate.EvaluationResult;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.tensor.Devices;
import dev.palimpsest.text.Corpus;
import dev.palimpsest.text.Split;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Visibility;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code palimpsest eval}: SAEBench's core figures of one coder. */
@Command(
    name = "eval",
    description =
        "Measures what a sparse coder's reconstruction costs the language model (SAEBench's core"
            + " evaluation).",
    mixinStandardHelpOptions = true,
    showDefaultValues = true)
public final class EvalCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(
      index = "0",
      paramLabel = "CODER",
      showDefaultValue = Visibility.NEVER,
      description = "Folder with cfg.json and sae.safetensors.")
  private Path coderFolder = Path.of(".");

  @Option(
      names = "--model",
      paramLabel = "MODEL",
      defaultValue = ModelSource.EMBEDDED,
      description = "Folder in Hugging Face layout, or 'embedded'.")
  private String model = ModelSource.EMBEDDED;

  @Mixin private TextOptions text = new TextOptions();

  @Option(
      names = "--hookpoint",
      showDefaultValue = Visibility.NEVER,
      paramLabel = "H",
      description = "Where the coder belongs; by default the name of its folder.")
  private Optional<String> hookpoint = Optional.empty();

  @Option(
      names = "--tokens",
      paramLabel = "N",
      defaultValue = "65536",
      description = "Tokens to read at most.")
  private long tokens;

  @Option(
      names = "--split",
      paramLabel = "NAME",
      defaultValue = "calibrate",
      description = "Which part of the text: train, explain, score, calibrate or evaluate.")
  private Split split = Split.CALIBRATE;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "0",
      description = "Of the splits: the (first) seed of the training run.")
  private long seed;

  @Mixin private ThreadOption threads = new ThreadOption();
  @Mixin private DeviceOptions device = new DeviceOptions();
  @Mixin private OutputOptions output = new OutputOptions();

  @Override
  public Integer call() {
    if (tokens < 1) {
      throw new UsageException("--tokens must be at least 1, found " + tokens);
    }
    int contextLength = text.contextLength();
    Devices.Choice chosen = device.choose();
    threads.use();
    Path folder = ModelSource.resolve(model);
    Path found = SparseCoder.find(coderFolder);
    try (SparseCoder coder = SparseCoder.load(found, chosen.device());
        LanguageModel loaded =
            LanguageModel.load(folder, chosen.device(), device.modelPrecision())) {
      String place = hookpoint.orElseGet(() -> CoderPlace.of(found, loaded));
      Corpus corpus = text.open(folder, loaded.config().vocabularySize(), seed);
      corpus.requireVocabulary(loaded.config().vocabularySize());
      loaded.requireLength(contextLength);
      ConsoleLog log = output.log(spec.commandLine().getErr());
      log.device(chosen.describe());
      EvaluationResult result =
          CoderEvaluation.evaluate(
                  loaded,
                  List.of(new CoderEvaluation.Place(place, coder)),
                  corpus.windows(split, contextLength),
                  text.excluded(corpus),
                  tokens,
                  true,
                  log)
              .get(0);
      output.print(spec.commandLine().getOut(), result, text(result));
    }
    return 0;
  }

  private static String text(EvaluationResult result) {
    return String.format(
        Locale.ROOT,
        """
        %s, %,d tokens: ce_loss_score %s (untouched %s, coder %s, zero %s nats), kl_div_score %s
        FVU %s, L0 %.1f, alive %.1f %%, median density %.2e\
        """,
        result.hookpoint(),
        result.tokens(),
        figure(result.ceLossScore()),
        figure(result.ceLossWithoutSae()),
        figure(result.ceLossWithSae()),
        figure(result.ceLossWithAblation()),
        figure(result.klDivScore().orElse(Double.NaN)),
        figure(result.fvu()),
        result.l0(),
        100 * result.fracAlive(),
        result.featureDensity().median());
  }

  private static String figure(double value) {
    return Double.isFinite(value) ? String.format(Locale.ROOT, "%.4f", value) : "not defined";
  }
}
