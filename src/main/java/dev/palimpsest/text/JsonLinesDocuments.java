package dev.palimpsest.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * JSON lines: every line an object whose text, under one key, is a document. Empty lines are passed
 * over.
 */
final class JsonLinesDocuments implements Documents {
  private static final ObjectReader READER =
      Json.MAPPER.reader().with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private final ByteLines lines;
  private final String key;

  JsonLinesDocuments(ByteLines lines, String key) {
    this.lines = lines;
    this.key = key;
  }

  @Override
  public Optional<String> next() {
    Optional<String> line = lines.next();
    while (line.isPresent()) {
      if (!line.get().isBlank()) {
        String text = text(line.get());
        if (!text.isBlank()) {
          return Optional.of(text);
        }
      }
      line = lines.next();
    }
    return Optional.empty();
  }

  private String text(String line) {
    JsonNode object;
    try {
      object = READER.readTree(line);
    } catch (JsonProcessingException failure) {
      String first = failure.getOriginalMessage().lines().findFirst().orElse("cannot be parsed");
      throw new PalimpsestException(place() + "invalid JSON: " + first, failure);
    }
    if (!object.isObject()) {
      throw new PalimpsestException(
          place()
              + "expected a JSON object, found "
              + object.getNodeType().name().toLowerCase(Locale.ROOT));
    }
    JsonNode value = object.get(key);
    if (value == null) {
      List<String> keys = new ArrayList<>();
      object.fieldNames().forEachRemaining(keys::add);
      throw new PalimpsestException(place() + "no key \"" + key + "\"; found " + keys);
    }
    if (!value.isTextual()) {
      throw new PalimpsestException(place() + "the value of \"" + key + "\" is not a string");
    }
    return value.textValue();
  }

  private String place() {
    return lines.file() + " line " + lines.number() + ": ";
  }

  @Override
  public void close() {
    lines.close();
  }
}
