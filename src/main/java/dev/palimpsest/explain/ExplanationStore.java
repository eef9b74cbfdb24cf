package dev.palimpsest.explain;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.JsonFaults;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Quoted;
import dev.palimpsest.base.Utf8Lines;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Explanations as JSON Lines, one latent a line, meant to be edited by hand: later stages read
 * whatever texts the file then holds. Latents that have no line are unexplained, and are predicted
 * to be silent. Where there is nothing to explain the file holds the line {@code []}; a file
 * without any line was emptied by mistake.
 */
public final class ExplanationStore {
  private static final String NONE = "[]";
  private static final Set<String> KEYS = Set.of("latent", "text", "explainer");
  private static final ObjectReader READER =
      Json.MAPPER
          .reader()
          .with(
              DeserializationFeature.FAIL_ON_TRAILING_TOKENS,
              DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY);

  private ExplanationStore() {}

  /** An explanation and the 1-based line of its file that it stands in. */
  public record Line(int number, Explanation explanation) {}

  /** Replaces the file in one step; lines stand in the order given. */
  public static void write(Path file, List<Explanation> explanations) {
    StringBuilder lines = new StringBuilder();
    for (Explanation explanation : explanations) {
      lines.append(Json.line(explanation)).append('\n');
    }
    AtomicFiles.writeString(file, lines.isEmpty() ? NONE + "\n" : lines.toString());
  }

  /** The explanations of {@link #lines}. */
  public static List<Explanation> read(Path file) {
    return lines(file).stream().map(Line::explanation).toList();
  }

  /**
   * Reads all lines; blank ones are skipped.
   *
   * @throws PalimpsestException naming file and line where one is not an explanation, or explains a
   *     latent again; or the file alone where it has no lines
   */
  public static List<Line> lines(Path file) {
    List<Line> read = new ArrayList<>();
    Map<Integer, Integer> seen = new HashMap<>();
    boolean none = false;
    try (Utf8Lines lines = Utf8Lines.open(file)) {
      for (Optional<String> next = lines.next(); next.isPresent(); next = lines.next()) {
        String line = next.get().strip();
        none |= line.equals(NONE);
        if (line.isEmpty() || line.equals(NONE)) {
          continue;
        }
        int number = (int) lines.number();
        Explanation explanation = parse(lines.place(), line);
        Integer earlier = seen.putIfAbsent(explanation.latent(), number);
        if (earlier != null) {
          throw new PalimpsestException(
              lines.place()
                  + ": latent "
                  + explanation.latent()
                  + " is explained twice, in line "
                  + earlier
                  + " too");
        }
        read.add(new Line(number, explanation));
      }
    }
    if (read.isEmpty() && !none) {
      throw new PalimpsestException(
          file
              + ": holds no explanations; 'palimpsest explain RUN --replace-texts' writes them"
              + " anew");
    }
    return read;
  }

  private static Explanation parse(String place, String line) {
    JsonNode object;
    try {
      object = READER.readTree(line);
    } catch (JsonProcessingException failure) {
      throw new PalimpsestException(place + ": " + fault(failure), failure);
    }
    if (!object.isObject()) {
      throw new PalimpsestException(
          place + ": expected an object with latent and text, found " + Quoted.of(object));
    }
    Set<String> unknown = new TreeSet<>();
    object.fieldNames().forEachRemaining(unknown::add);
    unknown.removeAll(KEYS);
    if (!unknown.isEmpty()) {
      throw new PalimpsestException(
          place + ": unknown " + Quoted.of(unknown) + ", expected latent, text and explainer");
    }
    JsonNode latent = object.path("latent");
    if (!latent.isInt() || latent.intValue() < 0) {
      throw new PalimpsestException(
          place + ": latent is " + shown(latent) + ", expected a whole number, 0 or more");
    }
    return new Explanation(
        latent.intValue(),
        text(place, object, "text"),
        object.has("explainer") ? text(place, object, "explainer") : "");
  }

  private static String fault(JsonProcessingException failure) {
    boolean twice = String.valueOf(failure.getOriginalMessage()).startsWith("Duplicate field");
    return twice ? "a key stands there twice" : JsonFaults.describe(failure);
  }

  private static String text(String place, JsonNode object, String key) {
    JsonNode value = object.path(key);
    if (!value.isTextual()) {
      throw new PalimpsestException(
          place + ": " + key + " is " + shown(value) + ", expected a string");
    }
    return value.textValue();
  }

  private static String shown(JsonNode value) {
    return value.isMissingNode() ? "missing" : Quoted.of(value);
  }
}
