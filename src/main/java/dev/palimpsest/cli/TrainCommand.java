package dev.palimpsest.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.base.Json;
import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.experiment.Experiments;
import dev.palimpsest.experiment.TrainRun;
import dev.palimpsest.kernels.Activation;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.train.Optimizer;
import dev.palimpsest.train.TrainResult;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Visibility;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code palimpsest train}: sparse coders at one or several hookpoints of a language model. Its
 * options are settings of an experiment under other names; what they mean is known in one place,
 * and recorded in the run directory, where the later stages find it.
 */
@Command(
    name = "train",
    description = {
      "Trains sparse coders on a language model's activations.",
      "Killed and started again with the same options, it continues from its last checkpoint.",
      "A finished run of signum is extended by a larger --tokens."
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
      parameterConsumer = SeveralValues.Hookpoints.class,
      showDefaultValue = Visibility.NEVER,
      required = true,
      paramLabel = "H",
      description =
          "Where coders are trained, e.g. layers.2.mlp, or a pattern such as 'layers.*.mlp';"
              + " several from one forward pass.")
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
      names = "--activations",
      showDefaultValue = Visibility.NEVER,
      paramLabel = "DIR",
      description =
          "Read the activations that cache-activations has left there, in place of running the"
              + " model in every step; evaluations run it.")
  private Optional<Path> activations = Optional.empty();

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
      parameterConsumer = SeveralValues.WholeNumbers.class,
      showDefaultValue = Visibility.NEVER,
      paramLabel = "S",
      description =
          "Of the initial weights, by default 0; with several, each coder is trained with each. The"
              + " first decides the text's order.")
  private List<Long> seeds = new ArrayList<>();

  @Mixin private ThreadOption threads = new ThreadOption();
  @Mixin private DeviceOptions device = new DeviceOptions();

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "The run's folder.",
      showDefaultValue = picocli.CommandLine.Help.Visibility.NEVER)
  private Path out = Path.of(".");

  @Option(names = "--overwrite", description = "Throw away a training run that is in --out.")
  private boolean overwrite;

  @Mixin private OutputOptions output = new OutputOptions();

  @Override
  public Integer call() {
    Experiments.Plan plan = Experiments.fromSettings(settings(), out, overwrite, "train");
    TrainResult result =
        TrainRun.run(
            plan.config(),
            new RunDirectory(out),
            text.tokenCache(),
            overwrite,
            output.log(spec.commandLine().getErr()));
    output.print(spec.commandLine().getOut(), result, text(result));
    return 0;
  }

  /** The options as an experiment's settings. */
  private ObjectNode settings() {
    long seed = seeds.isEmpty() ? 0 : seeds.get(0);
    ObjectNode root = Json.YAML.createObjectNode();
    root.put("name", "train").put("model", model).put("seed", seed);
    root.put("threads", threads.threads());
    root.put("device", device.device()).put("precision", device.precision());
    root.put("model_precision", device.modelPrecision().label());
    text.describe(root.putObject("data"));
    for (String hookpoint : hookpoints) {
      ObjectNode entry = root.withArray("coders").addObject();
      entry.put("hookpoint", hookpoint).put("transcode", transcode);
      entry.put("skip_connection", skipConnection).put("activation", lower(activation));
      entry.put("num_latents", numLatents.orElse(0)).put("expansion_factor", expansionFactor);
      entry.put("k", k);
    }
    ObjectNode train = root.putObject("train");
    train.put("tokens", tokens).put("batch_tokens", batchTokens);
    train.put("context_length", text.contextLength()).put("optimizer", optimizer.label());
    train.put("lr", learningRate).put("warmup_steps", warmupSteps);
    train.put("checkpoint_every", checkpointEvery).put("eval_every", evalEvery);
    train.put("eval_tokens", evalTokens);
    train.put("activations", activations.map(Path::toString).orElse(null));
    (seeds.size() > 1 ? seeds : List.<Long>of()).forEach(train.putArray("seeds")::add);
    return root;
  }

  private static String lower(Enum<?> choice) {
    return choice.name().toLowerCase(Locale.ROOT);
  }

  private static String text(TrainResult result) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < result.perCoder().size(); i++) {
      TrainResult.PerCoder coder = result.perCoder().get(i);
      text.append(
          String.format(
              Locale.ROOT,
              "%s: held-out FVU %s, ce_loss_score %s, %.1f %% dead -> %s%n",
              coder.coder(),
              figure(coder.fvu()),
              figure(coder.ceLossScore()),
              100 * coder.deadFraction(),
              result.coders().get(i)));
    }
    text.append(
        String.format(
            Locale.ROOT,
            "%,d tokens in %,d steps, %,.0f tokens/s%s",
            result.tokens(),
            result.steps(),
            result.tokensPerSecond(),
            result.resumedFromStep() == 0
                ? ""
                : ", resumed from step " + result.resumedFromStep()));
    result
        .peakDeviceBytes()
        .ifPresent(
            bytes ->
                text.append(
                    String.format(
                        Locale.ROOT,
                        "%nat most %.2f GiB of the GPU's memory",
                        bytes / 1073741824.0)));
    return text.toString();
  }

  private static String figure(OptionalDouble value) {
    return value.isPresent()
        ? String.format(Locale.ROOT, "%.4f", value.getAsDouble())
        : "undefined";
  }
}
