package dev.palimpsest.cli;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.model.ShuffledWeights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code palimpsest shuffle-weights}: the model of a control. */
@Command(
    name = "shuffle-weights",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = {
      "Writes a model with random weights of the same scales: the numbers of every tensor dealt out"
          + " anew, in float32.",
      "An experiment on it is a control: what is found there, training did not put there."
    })
final class ShuffleWeightsCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      index = "0",
      paramLabel = "MODEL",
      description = "Folder in Hugging Face layout, or 'embedded'.")
  private String model;

  @Parameters(index = "1", paramLabel = "OUT", description = "Where to write it: a new folder.")
  private Path target;

  @Option(names = "--seed", paramLabel = "S", defaultValue = "0", description = "Of the dealing.")
  private long seed;

  @Mixin private OutputOptions output;

  @Override
  public Integer call() {
    Path source = ModelSource.resolve(model);
    if (Files.exists(target) && !isEmptyFolder(target)) {
      throw new UsageException(target + ": expected a new or an empty folder");
    }
    ShuffledWeights.write(source, target, seed);
    output.print(
        spec.commandLine().getOut(),
        Map.of("model", target.toString()),
        "model with shuffled weights in " + target);
    return 0;
  }

  private static boolean isEmptyFolder(Path folder) {
    if (!Files.isDirectory(folder)) {
      return false;
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.findAny().isEmpty();
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }
}
