package dev.palimpsest.cli;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.bench.PythiaShape;
import dev.palimpsest.bench.RandomModel;
import dev.palimpsest.run.OutputFolder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Visibility;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code palimpsest bench make-model}: a model of Pythia's shape with random weights. */
@Command(
    name = "make-model",
    description = {
      "Writes a GPT-NeoX model with random weights in Hugging Face layout, by default of"
          + " Pythia-160m's shape (650 MB),",
      "and tokens.bin with random token ids: something to time this and other tools on, without a"
          + " download."
    },
    mixinStandardHelpOptions = true,
    showDefaultValues = true)
final class MakeModelCommand implements Callable<Integer> {
  @Parameters(
      index = "0",
      paramLabel = "DIR",
      showDefaultValue = Visibility.NEVER,
      description = "Where to write it.")
  private Path folder = Path.of(".");

  @Option(names = "--layers", paramLabel = "L", defaultValue = "12", description = "Blocks.")
  private int layers;

  @Option(names = "--d", paramLabel = "D", defaultValue = "768", description = "Width.")
  private int width;

  @Option(names = "--heads", paramLabel = "H", defaultValue = "12", description = "Heads a block.")
  private int heads;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      defaultValue = "1000000",
      description = "Token ids to write.")
  private int tokens;

  @Option(names = "--seed", paramLabel = "S", defaultValue = "0", description = "Of all numbers.")
  private long seed;

  @Mixin private OutputOptions output;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    if (layers < 1 || heads < 1 || tokens < 1 || width < 1 || width % heads != 0) {
      throw new UsageException(
          "--layers, --heads and --tokens must be at least 1, and --d a multiple of --heads");
    }
    OutputFolder.requireFree(folder, RandomModel.TOKENS);
    RandomModel.write(folder, new PythiaShape(layers, width, heads), tokens, seed);
    Path tokenFile = folder.resolve(RandomModel.TOKENS);
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("model", folder.toString());
    result.put("tokens", tokenFile.toString());
    output.print(
        spec.commandLine().getOut(), result, "model in " + folder + ", token ids in " + tokenFile);
    return 0;
  }
}
