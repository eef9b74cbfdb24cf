package dev.palimpsest.base;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.JsonGeneratorDelegate;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The project's JSON and YAML dialect: records map to snake_case keys, absent {@code Optional}s to
 * null, unknown keys of our own files are errors that name the key. JSON has no word for NaN and
 * the infinities; they are written as null, which every reader understands as "not measured".
 */
public final class Json {
  /** Compact JSON; one line an object; a number that is none is null. */
  public static final ObjectMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .addDecorator((factory, generator) -> new NullForNoNumber(generator))
                  .build())
          .addModule(new Jdk8Module())
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .disable(SerializationFeature.FAIL_ON_EMPTY_BEANS)
          .build();

  /** YAML with the same names as {@link #MAPPER}. */
  public static final ObjectMapper YAML =
      YAMLMapper.builder()
          .addModule(new Jdk8Module())
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .build();

  /** Larger files are refused: the largest tokenizers have 35 MB, the largest indexes 10. */
  private static final long LONGEST = 128L << 20;

  private Json() {}

  /** One line of JSON. */
  public static String line(Object value) {
    try {
      return MAPPER.writeValueAsString(value);
    } catch (JsonProcessingException failure) {
      throw new IllegalStateException("not representable as JSON: " + value, failure);
    }
  }

  /** Indented JSON with a final newline. */
  public static String pretty(Object value) {
    try {
      return MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(value) + "\n";
    } catch (JsonProcessingException failure) {
      throw new IllegalStateException("not representable as JSON: " + value, failure);
    }
  }

  /**
   * Reads a JSON file.
   *
   * @throws PalimpsestException naming the file and the place of the fault
   */
  public static <T> T read(Path file, Class<T> type) {
    return read(MAPPER, file, type);
  }

  /** Reads a YAML file; errors as {@link #read(Path, Class)}. */
  public static <T> T readYaml(Path file, Class<T> type) {
    return read(YAML, file, type);
  }

  /**
   * Reads JSON from the bytes of a file.
   *
   * @param file for messages
   */
  public static <T> T parse(Path file, byte[] json, Class<T> type) {
    return parse(MAPPER, file, json, type);
  }

  private static <T> T read(ObjectMapper mapper, Path file, Class<T> type) {
    return parse(mapper, file, bytes(file), type);
  }

  private static <T> T parse(ObjectMapper mapper, Path file, byte[] text, Class<T> type) {
    // Jackson would guess UTF-16 and UTF-32, and SnakeYAML read them as characters that they are
    // not.
    TextEncoding.foreign(text, text.length)
        .ifPresent(
            encoding -> {
              throw new PalimpsestException(
                  file + ": " + encoding + " text, expected UTF-8; iconv converts it");
            });
    try {
      T value = mapper.readValue(text, type);
      if (value == null) {
        throw new PalimpsestException(file + ": holds nothing but null");
      }
      return value;
    } catch (JsonProcessingException failure) {
      String fault =
          TextEncoding.fault(text).orElseGet(() -> JsonFaults.describeWithPlace(failure));
      throw new PalimpsestException(file + ": " + fault, failure);
    } catch (IOException failure) {
      // The bytes are at hand, so this is what Jackson throws for text in no encoding it knows.
      throw new PalimpsestException(
          file
              + ": "
              + TextEncoding.fault(text)
                  .orElseGet(() -> "not valid: " + Quoted.of(AtomicFiles.describe(failure))),
          failure);
    }
  }

  /**
   * All bytes of a file of JSON or YAML, of which only those of reasonable size are read.
   *
   * @throws PalimpsestException naming the file
   */
  public static byte[] bytes(Path file) {
    return bytes(file, LONGEST);
  }

  /**
   * All bytes of a file of reasonable size.
   *
   * @param longest in bytes; a larger file is refused before memory is taken for it
   * @throws PalimpsestException naming the file
   */
  static byte[] bytes(Path file, long longest) {
    LfsPointer.refuse(file);
    try {
      long size = Files.size(file);
      if (size > longest) {
        throw new PalimpsestException(
            file + ": has " + size + " bytes, expected at most " + longest + " of such a file");
      }
      return Files.readAllBytes(file);
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot read " + file + ": " + AtomicFiles.describe(failure), failure);
    }
  }

  /** Writes null for a NaN or an infinity, which Jackson would write as a string. */
  private static final class NullForNoNumber extends JsonGeneratorDelegate {
    NullForNoNumber(JsonGenerator generator) {
      super(generator, false);
    }

    @Override
    public void writeNumber(double value) throws IOException {
      if (Double.isFinite(value)) {
        super.writeNumber(value);
      } else {
        writeNull();
      }
    }

    @Override
    public void writeNumber(float value) throws IOException {
      if (Float.isFinite(value)) {
        super.writeNumber(value);
      } else {
        writeNull();
      }
    }

    @Override
    public void writeArray(double[] values, int offset, int length) throws IOException {
      writeStartArray(values, length);
      for (int i = offset; i < offset + length; i++) {
        writeNumber(values[i]);
      }
      writeEndArray();
    }
  }
}
