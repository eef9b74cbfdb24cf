package dev.palimpsest.base;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.zip.CRC32C;

/**
 * The reader of the program's own state: JSON objects that a run leaves behind and reads again.
 * What it hands out is whole: every component of the record is there, of the right kind (no {@code
 * "9"} or {@code 9.5} for 9) and finite, no key is unknown or doubled, nothing follows. Anything
 * else is one {@link PalimpsestException} that names file, place and key.
 *
 * <p>How to use it:
 *
 * <ul>
 *   <li>one object a file: {@link #read}; with a checksum, so that a flipped bit is noticed: {@link
 *       #writeSealed} and {@link #readSealed};
 *   <li>JSON Lines: {@link StateLines} to read, {@link StateLines.Writer} to write with a checksum;
 *   <li>safetensors: {@code SafeTensorsWriter.sealed()} and {@code SafeTensors.openSealed}.
 * </ul>
 *
 * A record checks in its compact constructor what goes beyond kinds (ranges, lengths that must
 * agree) by throwing {@link IllegalArgumentException}, whose message is then shown with the place.
 */
public final class StateFiles {
  /** Larger files are not state. */
  private static final long LONGEST = 256L << 20;

  private static final JsonMapper STRICT =
      JsonMapper.builder()
          .addModule(new Jdk8Module())
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .enable(DeserializationFeature.FAIL_ON_NUMBERS_FOR_ENUMS)
          .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
          .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
          .disable(JsonParser.Feature.AUTO_CLOSE_SOURCE)
          .build();

  private StateFiles() {}

  /**
   * Reads an object that has no checksum, such as one a person may edit.
   *
   * @throws PalimpsestException naming the file, the place and what is wrong
   */
  public static <T extends Record> T read(Path file, Class<T> type) {
    return parse(file.toString(), Json.bytes(file, LONGEST), type);
  }

  /**
   * Reads an object written by {@link #writeSealed}.
   *
   * @throws PalimpsestException naming the file and what is wrong, also where its checksum is wrong
   *     or absent
   */
  public static <T extends Record> T readSealed(Path file, Class<T> type) {
    byte[] json = Json.bytes(file, LONGEST);
    OptionalInt place = Checksums.place(json);
    if (place.isEmpty()) {
      throw new PalimpsestException(
          file + ": has no checksum ('" + Checksums.KEY + "'): damaged, or of another version");
    }
    CRC32C sum = new CRC32C();
    Checksums.update(sum, json, place.getAsInt());
    requireSum(file, Checksums.found(json, place.getAsInt()), Checksums.digits(sum));
    JsonNode tree = parse(file.toString(), json, JsonNode.class);
    if (!(tree instanceof ObjectNode object)) {
      throw new PalimpsestException(file + ": expected a JSON object");
    }
    object.remove(Checksums.KEY);
    try {
      return requireWhole(file.toString(), STRICT.treeToValue(object, type));
    } catch (JsonProcessingException fault) {
      throw new PalimpsestException(file + ": " + JsonFaults.describe(fault), fault);
    }
  }

  /**
   * Writes an object with a checksum as its last key, in one step.
   *
   * @param value becomes a JSON object
   * @throws PalimpsestException naming the file when it cannot be written
   */
  public static void writeSealed(Path file, Record value) {
    ObjectNode object = Json.MAPPER.valueToTree(value);
    object.put(Checksums.KEY, Checksums.BLANK);
    AtomicFiles.writeBytes(
        file, Checksums.seal(Json.pretty(object).getBytes(StandardCharsets.UTF_8)));
  }

  /**
   * Reads one object from bytes.
   *
   * @param where for messages: the file, and the line where there are several
   */
  static <T> T parse(String where, byte[] json, Class<T> type) {
    try {
      T value = STRICT.readValue(json, type);
      if (value == null) {
        throw new PalimpsestException(where + ": expected a JSON object, found null");
      }
      return value instanceof Record record ? type.cast(requireWhole(where, record)) : value;
    } catch (JsonProcessingException fault) {
      throw new PalimpsestException(where + ": " + JsonFaults.describeWithPlace(fault), fault);
    } catch (java.io.IOException fault) {
      // Bytes that are no UTF-8 or UTF-16 at all.
      throw new PalimpsestException(
          where + ": not valid: " + Quoted.of(AtomicFiles.describe(fault)), fault);
    }
  }

  private static <T extends Record> T requireWhole(String where, T value) {
    WholeRecords.fault(value)
        .ifPresent(
            fault -> {
              throw new PalimpsestException(where + ": " + fault);
            });
    return value;
  }

  /** Compares checksums. */
  static void requireSum(Path file, String written, String computed) {
    if (!written.equals(computed)) {
      throw new PalimpsestException(
          file
              + ": damaged: its checksum is "
              + computed
              + ", but was "
              + written
              + " when it was written");
    }
  }
}
