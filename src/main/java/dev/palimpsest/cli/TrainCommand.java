package dev.palimpsest.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Environment;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.kernels.Activation;
import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.tensor.Devices;
import dev.palimpsest.text.Corpus;
import dev.palimpsest.train.CoderSpec;
import dev.palimpsest.train.Optimizer;
import dev.palimpsest.train.OptimizerConfig;
import dev.palimpsest.train.TrainConfig;
import dev.palimpsest.train.TrainResult;
import dev.palimpsest.train.Training;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Visibility;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code palimpsest train}: sparse coders at one or several hookpoints of a language model. */
@Command(
    name = "train",
    description = {
      "Trains sparse coders on a language model's activations.",
      "Killed and started again with the same options, it continues from its last checkpoint."
    },
    mixinStandardHelpOptions = true,
    showDefaultValues = true)
public final class TrainCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "MODEL",
      defaultValue = ModelSource.EMBEDDED,
      description = "Folder in Hugging Face layout, or 'embedded'.")
  private String model = ModelSource.EMBEDDED;

  @Mixin private TextOptions text = new TextOptions();

  @Option(
      names = "--hookpoint",
      arity = "1..*",
      required = true,
      paramLabel = "H",
      description = "Where coders are trained, e.g. layers.2.mlp; several from one forward pass.")
  private List<String> hookpoints = new ArrayList<>();

  @Option(
      names = "--transcode",
      description =
          "Predict the module's output from its input; else an autoencoder of its output.")
  private boolean transcode;

  @Option(names = "--skip-connection", description = "Add W_skip x to the coder's output.")
  private boolean skipConnection;

  @Option(
      names = "--num-latents",
      showDefaultValue = Visibility.NEVER,
      paramLabel = "M",
      description = "Number of latents.")
  private Optional<Integer> numLatents = Optional.empty();

  @Option(
      names = "--expansion-factor",
      paramLabel = "E",
      defaultValue = "" + CoderConfig.DEFAULT_EXPANSION_FACTOR,
      description = "Latents per unit of width, where --num-latents is not given.")
  private int expansionFactor;

  @Option(
      names = "--k",
      paramLabel = "K",
      defaultValue = "" + CoderConfig.DEFAULT_K,
      description = "Latents kept per token.")
  private int k;

  @Option(
      names = "--activation",
      paramLabel = "NAME",
      defaultValue = "topk",
      description = "topk or groupmax.")
  private Activation activation = Activation.TOPK;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      defaultValue = "10000000",
      description = "Tokens to read; where the text has fewer, it is read again in a new order.")
  private long tokens;

  @Option(
      names = "--batch-tokens",
      paramLabel = "B",
      defaultValue = "8192",
      description = "Tokens of a step.")
  private int batchTokens;

  @Option(
      names = "--ctx-len",
      paramLabel = "T",
      defaultValue = "256",
      description = "Tokens of a context.")
  private int contextLength;

  @Option(
      names = "--optimizer",
      paramLabel = "NAME",
      defaultValue = "adam",
      description = "adam or signum (schedule-free).")
  private Optimizer optimizer = Optimizer.ADAM;

  @Option(
      names = "--lr",
      paramLabel = "auto|X",
      defaultValue = "auto",
      description = "(Peak) learning rate; auto: by the number of latents.")
  private String learningRate = "auto";

  @Option(
      names = "--warmup-steps",
      paramLabel = "auto|W",
      defaultValue = "auto",
      description = "Adam's warm-up; auto: a tenth of the steps, at most 1000.")
  private String warmupSteps = "auto";

  @Option(
      names = "--checkpoint-every",
      paramLabel = "STEPS",
      defaultValue = "500",
      description = "Steps between checkpoints; 0: at the end only.")
  private long checkpointEvery;

  @Option(
      names = "--eval-every",
      paramLabel = "STEPS",
      defaultValue = "0",
      description = "Steps between evaluations on held-out text; 0: twenty in all.")
  private long evalEvery;

  @Option(
      names = "--eval-tokens",
      paramLabel = "N",
      defaultValue = "16384",
      description = "Held-out tokens of an evaluation.")
  private long evalTokens;

  @Option(
      names = "--seed",
      arity = "1..*",
      paramLabel = "S",
      defaultValue = "0",
      description =
          "Of the initial weights; with several, each coder is trained with each. The first decides"
              + " the text's order.")
  private List<Long> seeds = new ArrayList<>(List.of(0L));

  @Option(
      names = "--exclude-tokens",
      paramLabel = "auto|none|ID,...",
      defaultValue = "auto",
      description = "Tokens that are not trained on; auto: end of text.")
  private String excludedTokens = "auto";

  @Option(
      names = "--threads",
      paramLabel = "P",
      defaultValue = "0",
      description = "0: all processors.")
  private int threads;

  @Mixin private DeviceOptions device = new DeviceOptions();

  @Option(names = "--out", required = true, paramLabel = "DIR", description = "The run's folder.")
  private Path out = Path.of(".");

  @Option(names = "--overwrite", description = "Throw away a training run that is in --out.")
  private boolean overwrite;

  @Option(
      names = {"-q", "--quiet"},
      description = "No progress on stderr.")
  private boolean quiet;

  @Option(names = "--json", description = "Print the result as one JSON object.")
  private boolean json;

  @Override
  public Integer call() {
    TrainConfig config = config();
    Devices.Choice chosen = device.choose();
    Training.useThreads(threads);
    Path folder = ModelSource.resolve(model);
    try (LanguageModel loaded = LanguageModel.load(folder, chosen.device())) {
      Corpus corpus = text.open(folder, loaded.config().vocabularySize(), config.seeds().get(0));
      int width = loaded.config().width();
      TrainResult result =
          Training.run(
              config,
              loaded,
              corpus,
              out,
              overwrite,
              () -> describeRun(config, width, chosen),
              new ConsoleLog(spec.commandLine().getErr(), quiet));
      print(result);
    }
    return 0;
  }

  private TrainConfig config() {
    List<CoderSpec> coders = new ArrayList<>();
    OptionalInt latents = numLatents.map(OptionalInt::of).orElseGet(OptionalInt::empty);
    for (String hookpoint : hookpoints) {
      coders.add(
          new CoderSpec(
              hookpoint, transcode, skipConnection, activation, latents, expansionFactor, k));
    }
    return new TrainConfig(
        model,
        text.data(),
        text.options(),
        coders,
        seeds,
        tokens,
        batchTokens,
        contextLength,
        optimizerConfig(),
        excludedTokens,
        checkpointEvery,
        evalEvery,
        evalTokens);
  }

  private OptimizerConfig optimizerConfig() {
    OptimizerConfig config = OptimizerConfig.of(optimizer);
    if (!learningRate.equals("auto")) {
      config = config.withLearningRate(number("--lr", learningRate, Double::parseDouble));
    }
    if (!warmupSteps.equals("auto")) {
      config = config.withWarmupSteps(number("--warmup-steps", warmupSteps, Long::parseLong));
    }
    return config;
  }

  private static <T> T number(
      String option, String text, java.util.function.Function<String, T> parse) {
    try {
      return parse.apply(text);
    } catch (NumberFormatException failure) {
      UsageException problem =
          new UsageException(option + " takes 'auto' or a number, found '" + text + "'");
      problem.initCause(failure);
      throw problem;
    }
  }

  private static String lower(Enum<?> choice) {
    return choice.name().toLowerCase(Locale.ROOT);
  }

  /**
   * Says where the run computes; writes {@code config.yaml}, in the form of an experiment's file,
   * and {@code environment.json}.
   */
  private void describeRun(TrainConfig config, int width, Devices.Choice chosen) {
    if (!quiet) {
      spec.commandLine().getErr().println("device: " + chosen.describe());
    }
    ObjectNode root = Json.YAML.createObjectNode();
    root.put("name", "train").put("model", model).put("seed", seeds.get(0)).put("threads", threads);
    root.put("device", device.device()).put("precision", device.precision());
    ObjectNode data = root.putObject("data");
    config.data().forEach(data.putArray("files")::add);
    data.put("text_key", config.text().textKey()).put("exclude_tokens", excludedTokens);
    for (CoderSpec coder : config.coders()) {
      ObjectNode entry = root.withArray("coders").addObject();
      entry.put("hookpoint", coder.hookpoint()).put("transcode", coder.transcode());
      entry.put("skip_connection", coder.skipConnection());
      entry.put("activation", lower(coder.activation()));
      entry.put("num_latents", coder.resolve(width).numLatents()).put("k", coder.k());
    }
    ObjectNode train = root.putObject("train");
    train.put("tokens", tokens).put("batch_tokens", batchTokens);
    train.put("context_length", contextLength).put("optimizer", lower(optimizer));
    train.put("lr", learningRate).put("warmup_steps", warmupSteps);
    train.put("checkpoint_every", checkpointEvery).put("eval_every", evalEvery);
    train.put("eval_tokens", evalTokens);
    if (seeds.size() > 1) {
      seeds.forEach(train.putArray("seeds")::add);
    }
    try {
      AtomicFiles.writeString(out.resolve("config.yaml"), Json.YAML.writeValueAsString(root));
    } catch (JsonProcessingException failure) {
      throw new IllegalStateException("a tree of plain values", failure);
    }
    Map<String, String> libraries =
        Map.of("device", chosen.describe(), "kernels", CoderKernels.cpu().describe());
    AtomicFiles.writeString(
        out.resolve("environment.json"), Json.pretty(Environment.here(libraries)));
  }

  private void print(TrainResult result) {
    PrintWriter stdout = spec.commandLine().getOut();
    if (json) {
      stdout.println(Json.line(result));
    } else {
      for (int i = 0; i < result.perCoder().size(); i++) {
        TrainResult.PerCoder coder = result.perCoder().get(i);
        stdout.printf(
            Locale.ROOT,
            "%s: held-out FVU %s, ce_loss_score %s, %.1f %% dead -> %s%n",
            coder.coder(),
            figure(coder.fvu()),
            figure(coder.ceLossScore()),
            100 * coder.deadFraction(),
            result.coders().get(i));
      }
      stdout.printf(
          Locale.ROOT,
          "%,d tokens in %,d steps, %,.0f tokens/s%s%n",
          result.tokens(),
          result.steps(),
          result.tokensPerSecond(),
          result.resumedFromStep() == 0 ? "" : ", resumed from step " + result.resumedFromStep());
      result
          .peakDeviceBytes()
          .ifPresent(
              bytes ->
                  stdout.printf(
                      Locale.ROOT, "at most %.2f GiB of the GPU's memory%n", bytes / 1073741824.0));
    }
    stdout.flush();
    if (!quiet) {
      result.warnings().forEach(line -> spec.commandLine().getErr().println("note: " + line));
    }
  }

  private static String figure(OptionalDouble value) {
    return value.isPresent()
        ? String.format(Locale.ROOT, "%.4f", value.getAsDouble())
        : "undefined";
  }
}
