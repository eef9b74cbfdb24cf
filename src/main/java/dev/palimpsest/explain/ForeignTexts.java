package dev.palimpsest.explain;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.JsonFaults;
import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Explanations in other programs' files. Delphi: a folder with a file {@code
 * <hookpoint>_latent<number>.txt} for each latent, which holds the text as a JSON string.
 * Neuronpedia: a JSON list of explanations with {@code modelId}, {@code layer}, {@code index} and
 * {@code description}.
 */
public final class ForeignTexts {
  private static final Pattern DELPHI = Pattern.compile("(.*)_latent(\\d{1,9})\\.(?:txt|json)");
  private static final String EXPLAINER = "explanationModelName";

  private ForeignTexts() {}

  /** Writes delphi's files; those of other latents stay. */
  public static void writeDelphi(Path folder, String hookpoint, List<Explanation> texts) {
    try {
      Files.createDirectories(folder);
    } catch (IOException failure) {
      throw unusable(folder, failure);
    }
    for (Explanation text : texts) {
      AtomicFiles.writeString(
          folder.resolve(hookpoint + "_latent" + text.latent() + ".txt"), Json.line(text.text()));
    }
  }

  /**
   * Reads delphi's files of one hookpoint.
   *
   * @return ascending by latent
   * @throws PalimpsestException naming the file that is none of delphi's explanations, or the
   *     folder where there is none of the hookpoint
   */
  public static List<Explanation> readDelphi(Path folder, String hookpoint) {
    Map<Integer, Explanation> texts = new TreeMap<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.sorted().toList()) {
        Matcher name = DELPHI.matcher(String.valueOf(file.getFileName()));
        if (name.matches() && name.group(1).equals(hookpoint)) {
          int latent = Integer.parseInt(name.group(2));
          JsonNode text = tree(file);
          if (!text.isTextual()) {
            throw new PalimpsestException(file + ": expected a JSON string");
          }
          add(texts, file, new Explanation(latent, text.textValue(), "delphi"));
        }
      }
    } catch (IOException failure) {
      throw unusable(folder, failure);
    }
    return some(texts.values(), folder, hookpoint);
  }

  /** Writes Neuronpedia's list. */
  public static void writeNeuronpedia(
      Path file, String model, String hookpoint, List<Explanation> texts) {
    ArrayNode list = Json.MAPPER.createArrayNode();
    for (Explanation text : texts) {
      list.addObject()
          .put("modelId", model)
          .put("layer", hookpoint)
          .put("index", Integer.toString(text.latent()))
          .put("description", text.text())
          .put(EXPLAINER, text.explainer());
    }
    AtomicFiles.writeString(file, Json.pretty(list));
  }

  /**
   * Reads Neuronpedia's list.
   *
   * @param layer which of its sources is meant; where the list has only one, that one
   * @return ascending by latent; of several for a latent the first
   * @throws PalimpsestException naming the file, and what is wrong with it
   */
  public static List<Explanation> readNeuronpedia(Path file, String layer) {
    JsonNode tree = tree(file);
    if (!tree.isArray()) {
      throw new PalimpsestException(file + ": expected a list of explanations");
    }
    boolean several =
        Stream.iterate(0, i -> i < tree.size(), i -> i + 1)
                .map(i -> tree.path(i).path("layer").asText(""))
                .distinct()
                .count()
            > 1;
    Map<Integer, Explanation> texts = new TreeMap<>();
    for (int i = 0; i < tree.size(); i++) {
      JsonNode entry = tree.path(i);
      if (several && !entry.path("layer").asText("").equals(layer)) {
        continue;
      }
      String index = entry.path("index").asText("");
      if (!(entry instanceof ObjectNode)
          || !index.matches("\\d{1,9}")
          || !entry.path("description").isTextual()) {
        throw new PalimpsestException(
            file + ": entry " + i + " has no index and description of an explanation");
      }
      int latent = Integer.parseInt(index);
      texts.putIfAbsent(
          latent,
          new Explanation(
              latent,
              entry.path("description").textValue(),
              entry.path(EXPLAINER).asText("neuronpedia")));
    }
    return some(texts.values(), file, layer);
  }

  private static void add(Map<Integer, Explanation> texts, Path file, Explanation text) {
    if (texts.putIfAbsent(text.latent(), text) != null) {
      throw new PalimpsestException(file + ": latent " + text.latent() + " is explained twice");
    }
  }

  private static List<Explanation> some(
      Collection<Explanation> texts, Path place, String hookpoint) {
    if (texts.isEmpty()) {
      throw new PalimpsestException(place + ": holds no explanations of " + hookpoint);
    }
    return List.copyOf(texts);
  }

  private static JsonNode tree(Path file) {
    try {
      return Json.MAPPER.readTree(Json.bytes(file));
    } catch (JsonProcessingException fault) {
      throw new PalimpsestException(file + ": " + JsonFaults.describe(fault), fault);
    } catch (IOException failure) {
      throw unusable(file, failure);
    }
  }

  private static PalimpsestException unusable(Path place, IOException failure) {
    return new PalimpsestException(
        "cannot read or write " + place + ": " + AtomicFiles.describe(failure), failure);
  }
}
