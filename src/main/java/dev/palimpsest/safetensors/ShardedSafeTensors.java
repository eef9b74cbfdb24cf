package dev.palimpsest.safetensors;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Quoted;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.ShortPointer;
import org.bytedeco.pytorch.Tensor;

/**
 * A checkpoint split over several safetensors files by {@code *.safetensors.index.json}, whose
 * {@code weight_map} gives the file of every tensor. All files are opened and checked at once.
 */
public final class ShardedSafeTensors implements TensorReader {
  /** The name of the single file of an unsplit checkpoint. */
  public static final String SINGLE_FILE = "model.safetensors";

  /** The name of the index of a split one. */
  public static final String INDEX_FILE = "model.safetensors.index.json";

  /** The longest name of a file on common file systems. */
  private static final int LONGEST_NAME = 255;

  private final Path index;
  private final Map<String, SafeTensors> fileOf;
  private final Map<String, SafeTensors> files;

  private ShardedSafeTensors(
      Path index, Map<String, SafeTensors> fileOf, Map<String, SafeTensors> files) {
    this.index = index;
    this.fileOf = Collections.unmodifiableMap(fileOf);
    this.files = files;
  }

  /**
   * Opens the checkpoint of a Hugging Face folder: {@code model.safetensors}, or else the files
   * named by {@code model.safetensors.index.json}.
   *
   * @throws PalimpsestException when there is neither, or a file is bad
   */
  public static TensorReader openCheckpoint(Path folder) {
    Path single = folder.resolve(SINGLE_FILE);
    Path index = folder.resolve(INDEX_FILE);
    if (!Files.exists(single) && Files.exists(index)) {
      return open(index);
    }
    if (!Files.exists(single)) {
      throw new PalimpsestException(
          folder
              + ": no weights: expected "
              + SINGLE_FILE
              + " or "
              + INDEX_FILE
              + " (other formats, such as pytorch_model.bin, are not read)");
    }
    return SafeTensors.open(single);
  }

  /**
   * Opens an index and all the files it names, which lie beside it.
   *
   * @throws PalimpsestException naming the index or the file at fault
   */
  public static ShardedSafeTensors open(Path index) {
    JsonNode weightMap = Json.read(index, JsonNode.class).path("weight_map");
    if (!weightMap.isObject() || weightMap.isEmpty()) {
      throw new PalimpsestException(
          index + ": expected an object 'weight_map' from tensor to file");
    }
    Map<String, SafeTensors> files = new TreeMap<>();
    try {
      Map<String, SafeTensors> fileOf = new TreeMap<>();
      for (Map.Entry<String, JsonNode> pair : weightMap.properties()) {
        String tensor = pair.getKey();
        String name = fileName(index, tensor, pair.getValue());
        SafeTensors file = files.computeIfAbsent(name, n -> SafeTensors.open(beside(index, n)));
        if (!file.contains(tensor)) {
          throw new PalimpsestException(
              index
                  + ": puts tensor '"
                  + Quoted.of(tensor)
                  + "' in "
                  + Quoted.of(name)
                  + ", which does not have it");
        }
        fileOf.put(tensor, file);
      }
      return new ShardedSafeTensors(index, fileOf, files);
    } catch (RuntimeException failure) {
      files.values().forEach(SafeTensors::close);
      throw failure;
    }
  }

  private static Path beside(Path index, String name) {
    try {
      Path file = index.resolveSibling(name);
      if (!Files.exists(file)) {
        throw new PalimpsestException(
            index
                + ": names the file '"
                + Quoted.of(name)
                + "', but there is no such file beside it");
      }
      return file;
    } catch (InvalidPathException failure) {
      throw new PalimpsestException(
          index + ": names the file '" + Quoted.of(name) + "', which this system cannot name",
          failure);
    }
  }

  /** A plain file name: an index must not lead outside its folder. */
  private static String fileName(Path index, String tensor, JsonNode value) {
    String name = value.isTextual() ? value.textValue() : "";
    if (name.isEmpty()
        || name.length() > LONGEST_NAME
        || name.contains("/")
        || name.contains("\\")
        || name.chars().anyMatch(Character::isISOControl)) {
      throw new PalimpsestException(
          index
              + ": tensor '"
              + Quoted.of(tensor)
              + "' is in "
              + Quoted.of(value)
              + ", expected the name of a file beside the index");
    }
    return name;
  }

  @Override
  public Set<String> names() {
    return fileOf.keySet();
  }

  @Override
  public TensorInfo info(String name) {
    return file(name).info(name);
  }

  @Override
  public float[] floats(String name) {
    return file(name).floats(name);
  }

  @Override
  public long[] longs(String name) {
    return file(name).longs(name);
  }

  @Override
  public void readFloats(String name, FloatPointer into) {
    file(name).readFloats(name, into);
  }

  @Override
  public void readBfloat16(String name, ShortPointer into) {
    file(name).readBfloat16(name, into);
  }

  @Override
  public Tensor torch(String name) {
    return file(name).torch(name);
  }

  @Override
  public String describe(String name) {
    SafeTensors file = fileOf.get(name);
    return file == null ? index.toString() : file.describe(name);
  }

  /** The pairs of all files; where they differ, those of the last by name. */
  @Override
  public Map<String, String> metadata() {
    Map<String, String> merged = new TreeMap<>();
    files.values().forEach(file -> merged.putAll(file.metadata()));
    return merged;
  }

  @Override
  public void close() {
    files.values().forEach(SafeTensors::close);
  }

  private SafeTensors file(String name) {
    SafeTensors file = fileOf.get(name);
    if (file == null) {
      throw new PalimpsestException(
          index + ": no tensor '" + Quoted.of(name) + "'" + NameHints.near(name, names()));
    }
    return file;
  }
}
