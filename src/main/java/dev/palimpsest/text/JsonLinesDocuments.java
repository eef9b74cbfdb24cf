package dev.palimpsest.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import dev.palimpsest.base.JsonFaults;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Quoted;
import dev.palimpsest.base.Utf8Lines;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * JSON lines: every line an object whose text, under one key, is a document, taken as it stands.
 * Empty lines are passed over. A line, and so a text, may have {@link Utf8Lines#LONGEST} bytes.
 */
final class JsonLinesDocuments implements Documents {
  /** Strings as long as lines may be; Jackson's own limit is below that. */
  private static final ObjectReader READER =
      new ObjectMapper(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxStringLength(Utf8Lines.LONGEST).build())
                  .build())
          .reader()
          .with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private final Utf8Lines lines;
  private final CorpusOptions options;
  private long skipped;

  JsonLinesDocuments(Utf8Lines lines, CorpusOptions options) {
    this.lines = lines;
    this.options = options;
  }

  @Override
  public Optional<String> next() {
    Optional<String> line = lines.next();
    while (line.isPresent()) {
      Optional<String> text = line.filter(full -> !full.isBlank()).flatMap(this::text);
      if (text.isPresent() && !text.get().isBlank()) {
        return text;
      }
      line = lines.next();
    }
    return Optional.empty();
  }

  @Override
  public long skipped() {
    return skipped;
  }

  /** The text of a line; empty where it is null and such lines are passed over. */
  private Optional<String> text(String line) {
    String key = options.textKey();
    JsonNode object = parse(line);
    if (!object.isObject()) {
      throw new PalimpsestException(
          lines.place()
              + ": expected a JSON object, found "
              + object.getNodeType().name().toLowerCase(Locale.ROOT));
    }
    JsonNode value = object.get(key);
    if (value == null) {
      List<String> keys = new ArrayList<>();
      object.fieldNames().forEachRemaining(keys::add);
      throw new PalimpsestException(
          lines.place() + ": no key \"" + key + "\"; found " + Quoted.of(keys));
    }
    if (value.isNull() && options.skipNullTexts()) {
      skipped++;
      return Optional.empty();
    }
    if (value.isNull()) {
      throw new PalimpsestException(
          lines.place()
              + ": the value of \""
              + key
              + "\" is null; data.skip_null_texts (--skip-null-texts) passes over such lines");
    }
    if (!value.isTextual()) {
      throw new PalimpsestException(
          lines.place() + ": the value of \"" + key + "\" is not a string");
    }
    return Optional.of(value.textValue());
  }

  private JsonNode parse(String line) {
    try {
      return READER.readTree(line);
    } catch (JsonProcessingException failure) {
      throw new PalimpsestException(lines.place() + ": " + JsonFaults.describe(failure), failure);
    }
  }

  @Override
  public void close() {
    lines.close();
  }
}
