package dev.palimpsest.model;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Seeds;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import dev.palimpsest.safetensors.ShardedSafeTensors;
import dev.palimpsest.safetensors.TensorReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * A model with random weights of the same scales: in every tensor of a model the numbers are dealt
 * out anew. What a pipeline finds in it is not something that training put there.
 */
public final class ShuffledWeights {
  private ShuffledWeights() {}

  /**
   * Writes such a model, in float32, beside copies of the configuration and the tokenizer.
   *
   * @param model folder in Hugging Face layout
   * @param target an empty folder, or one that is made
   * @throws PalimpsestException where something cannot be read or written
   */
  public static void write(Path model, Path target, long seed) {
    try {
      Files.createDirectories(target);
      try (Stream<Path> files = Files.list(model)) {
        for (Path file : files.filter(ShuffledWeights::isCopied).toList()) {
          AtomicFiles.copy(file, target.resolve(file.getFileName()));
        }
      }
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot copy " + model + " to " + target + ": " + AtomicFiles.describe(failure), failure);
    }
    try (TensorReader weights = ShardedSafeTensors.openCheckpoint(model)) {
      SafeTensorsWriter writer = new SafeTensorsWriter().metadata("format", "pt");
      for (String name : new TreeSet<>(weights.names())) {
        float[] values = weights.floats(name);
        shuffle(values, Seeds.stream(seed, "shuffled-weights " + name));
        writer.add(name, weights.info(name).shape(), values);
      }
      writer.write(target.resolve(ShardedSafeTensors.SINGLE_FILE));
    }
  }

  /** All but weights: those of other forms would be read in place of ours. */
  private static boolean isCopied(Path file) {
    String name = String.valueOf(file.getFileName());
    return Files.isRegularFile(file)
        && Stream.of(".json", ".txt", ".model", ".jinja").anyMatch(name::endsWith)
        && !List.of(ShardedSafeTensors.INDEX_FILE).contains(name);
  }

  private static void shuffle(float[] values, SplittableRandom random) {
    for (int i = values.length - 1; i > 0; i--) {
      int other = random.nextInt(i + 1);
      float value = values[i];
      values[i] = values[other];
      values[other] = value;
    }
  }
}
