package dev.palimpsest.model;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.safetensors.ShardedSafeTensors;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/**
 * The files that a model consists of, as far as this program reads them: two folders in which these
 * have the same content are the same model.
 */
public final class ModelFiles {
  private ModelFiles() {}

  /**
   * {@code config.json}, {@code tokenizer.json} and {@code tokenizer_config.json} where they are
   * there, and the weights: {@code model.safetensors}, or an index and the files it names, by name.
   *
   * @param folder as {@link ModelSource#resolve} gives it
   * @throws UsageException where a file is missing
   * @throws PalimpsestException where the index cannot be read
   */
  public static List<Path> of(Path folder) {
    List<Path> files = new ArrayList<>();
    files.add(folder.resolve("config.json"));
    for (String name : List.of("tokenizer.json", "tokenizer_config.json")) {
      if (Files.exists(folder.resolve(name))) {
        files.add(folder.resolve(name));
      }
    }
    Path single = folder.resolve(ShardedSafeTensors.SINGLE_FILE);
    Path index = folder.resolve(ShardedSafeTensors.INDEX_FILE);
    if (!Files.exists(single) && Files.exists(index)) {
      files.add(index);
      TreeSet<String> shards = new TreeSet<>();
      for (JsonNode shard : Json.read(index, JsonNode.class).path("weight_map")) {
        if (!shard.isTextual() || shard.textValue().contains("/")) {
          throw new PalimpsestException(
              index + ": expected the names of files beside it in 'weight_map'");
        }
        shards.add(shard.textValue());
      }
      shards.forEach(shard -> files.add(folder.resolve(shard)));
    } else {
      files.add(single);
    }
    for (Path file : files) {
      if (!Files.isRegularFile(file)) {
        throw new UsageException(folder + ": no file " + file.getFileName());
      }
    }
    return files;
  }
}
