package dev.palimpsest.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.base.Json;
import dev.palimpsest.experiment.ActivationCaching;
import dev.palimpsest.experiment.Experiments;
import dev.palimpsest.model.ModelSource;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Visibility;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code palimpsest cache-activations}: what {@code train} reads at some hookpoints, written once,
 * so that any number of trainings need not run the language model.
 */
@Command(
    name = "cache-activations",
    description = {
      "Writes a language model's activations to disk, for any number of trainings (train"
          + " --activations).",
      "Says how much it will write before it begins. Killed and started again with the same"
          + " options, it goes on, and ends with the same bytes."
    },
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    footer = {
      "",
      "The windows lie in the order in which a training with the same --seed reads them. OUT has"
          + " activations.json,",
      "which says of what they are, and shard-NNNNN.safetensors: one tensor 'activations'"
          + " [windows, parts, T, d] each."
    })
final class CacheActivationsCommand implements Callable<Integer> {
  /** Of a pass of the model: enough to fill its products. */
  private static final int PASS_TOKENS = 2048;

  @Spec private CommandSpec spec;

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
          "Whose activations, e.g. layers.2.mlp, or a pattern such as 'layers.*.mlp'; several from"
              + " one pass of the model.")
  private List<String> hookpoints = new ArrayList<>();

  @Option(
      names = "--outputs-only",
      description =
          "Only the modules' outputs, which is what autoencoders need, in half the room;"
              + " transcoders (train --transcode) need the inputs too.")
  private boolean outputsOnly;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      defaultValue = "10000000",
      description =
          "Tokens at most, of the train split; where the split has fewer, all of it is cached.")
  private long tokens;

  @Option(
      names = "--dtype",
      paramLabel = "fp16|bf16|fp32",
      defaultValue = "fp16",
      description =
          "What they are stored as: fp16 is the more exact of the short ones, bf16 has the range of"
              + " fp32.")
  private String dtype = "fp16";

  @Option(
      names = "--shard-mib",
      paramLabel = "MIB",
      defaultValue = "256",
      description = "Size of a file, about; a killed command repeats at most one.")
  private int shardMebibytes;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "0",
      description =
          "Of the splits of the text, which a training from the cache must share, and of the order"
              + " of the windows.")
  private long seed;

  @Mixin private ThreadOption threads = new ThreadOption();
  @Mixin private DeviceOptions device = new DeviceOptions();

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "The cache's folder.",
      showDefaultValue = Visibility.NEVER)
  private Path out = Path.of(".");

  @Option(names = "--overwrite", description = "Throw away another cache that is in --out.")
  private boolean overwrite;

  @Mixin private OutputOptions output = new OutputOptions();

  @Override
  public Integer call() {
    Experiments.Plan plan = Experiments.fromSettings(settings(), out, true, "cache-activations");
    ActivationCaching.Result result =
        ActivationCaching.run(
            plan.config(),
            dtype,
            shardMebibytes,
            out,
            text.tokenCache(),
            overwrite,
            output.log(spec.commandLine().getErr()));
    output.print(spec.commandLine().getOut(), result, text(result));
    return 0;
  }

  /** The options as an experiment's settings. */
  private ObjectNode settings() {
    ObjectNode root = Json.YAML.createObjectNode();
    root.put("name", "cache-activations").put("model", model).put("seed", seed);
    root.put("threads", threads.threads());
    root.put("device", device.device()).put("precision", device.precision());
    root.put("model_precision", device.modelPrecision().label());
    text.describe(root.putObject("data"));
    for (String hookpoint : hookpoints) {
      root.withArray("coders")
          .addObject()
          .put("hookpoint", hookpoint)
          .put("transcode", !outputsOnly);
    }
    root.putObject("train")
        .put("tokens", tokens)
        .put("context_length", text.contextLength())
        .put("batch_tokens", PASS_TOKENS);
    return root;
  }

  private static String text(ActivationCaching.Result result) {
    return String.format(
        Locale.ROOT,
        "%,d tokens of %s, %d numbers in %s each: %.1f MiB in %d shards -> %s",
        result.tokens(),
        String.join(", ", result.parts()),
        result.width(),
        result.dtype(),
        result.bytes() / 1048576.0,
        result.shards(),
        result.folder());
  }
}
