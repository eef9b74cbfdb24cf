package dev.palimpsest.safetensors;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.palimpsest.base.JsonFaults;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Quoted;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The checked header of a safetensors file: eight bytes N (little-endian), N bytes of JSON, then
 * the tensors' bytes.
 *
 * <p>As strict as the reference reader: the tensors tile the rest of the file exactly, without
 * overlap, hole or excess, and every tensor has as many bytes as its dtype and shape ask for.
 *
 * @param entries by tensor name
 * @param metadata the free-form text pairs
 */
record SafeTensorsHeader(Map<String, Entry> entries, Map<String, String> metadata) {
  /** The reference's limit, which guards against absurd lengths. */
  static final long LONGEST_HEADER = 100_000_000;

  static final String METADATA = "__metadata__";

  private static final JsonMapper STRICT =
      JsonMapper.builder()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /**
   * @param info dtype and shape
   * @param position the file offset of the first byte
   * @param bytes how many bytes it has
   */
  record Entry(TensorInfo info, long position, long bytes) {}

  /** A tensor's place relative to the end of the header. */
  private record Span(String name, long begin, long end) {}

  static SafeTensorsHeader read(Path file, FileChannel channel) throws IOException {
    long fileSize = channel.size();
    if (fileSize < 8) {
      throw new PalimpsestException(
          file + ": not a safetensors file: found " + fileSize + " bytes, expected at least 8");
    }
    ByteBuffer lengthBytes = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    readFully(channel, lengthBytes, 0);
    long length = lengthBytes.getLong(0);
    if (length < 0 || length > LONGEST_HEADER) {
      throw new PalimpsestException(
          file
              + ": not a safetensors file: header length "
              + Long.toUnsignedString(length)
              + ", expected at most "
              + LONGEST_HEADER);
    }
    if (length > fileSize - 8) {
      throw new PalimpsestException(
          file
              + ": truncated: the header should have "
              + length
              + " bytes, only "
              + (fileSize - 8)
              + " follow");
    }
    ByteBuffer text = ByteBuffer.allocate((int) length);
    readFully(channel, text, 8);
    return parse(file, text.flip(), 8 + length, fileSize);
  }

  private static SafeTensorsHeader parse(
      Path file, ByteBuffer text, long dataStart, long fileSize) {
    JsonNode root;
    try {
      root = STRICT.readTree(StandardCharsets.UTF_8.newDecoder().decode(text).toString());
    } catch (JsonProcessingException failure) {
      throw new PalimpsestException(
          file + ": the header is not valid JSON: " + JsonFaults.describe(failure), failure);
    } catch (CharacterCodingException failure) {
      throw new PalimpsestException(file + ": the header is not valid UTF-8", failure);
    }
    if (!root.isObject()) {
      throw new PalimpsestException(
          file + ": the header is " + kind(root) + ", expected a JSON object");
    }
    Map<String, Entry> entries = new TreeMap<>();
    Map<String, String> metadata = new TreeMap<>();
    List<Span> spans = new ArrayList<>();
    for (Map.Entry<String, JsonNode> field : root.properties()) {
      if (field.getKey().equals(METADATA)) {
        readMetadata(file, field.getValue(), metadata);
        continue;
      }
      Tensor tensor = new Tensor(file, field.getKey(), field.getValue());
      Span span = tensor.span(fileSize - dataStart);
      spans.add(span);
      entries.put(
          field.getKey(),
          new Entry(
              tensor.info(span.end - span.begin), dataStart + span.begin, span.end - span.begin));
    }
    checkTiling(file, spans, fileSize - dataStart);
    return new SafeTensorsHeader(
        Collections.unmodifiableMap(entries), Collections.unmodifiableMap(metadata));
  }

  private static void readMetadata(Path file, JsonNode node, Map<String, String> into) {
    if (!node.isObject()) {
      throw new PalimpsestException(
          file + ": " + METADATA + " is " + kind(node) + ", expected an object of strings");
    }
    for (Map.Entry<String, JsonNode> pair : node.properties()) {
      if (!pair.getValue().isTextual()) {
        throw new PalimpsestException(
            file
                + ": "
                + METADATA
                + " entry '"
                + Quoted.of(pair.getKey())
                + "' is "
                + kind(pair.getValue())
                + ", expected a string");
      }
      into.put(pair.getKey(), pair.getValue().textValue());
    }
  }

  private static void checkTiling(Path file, List<Span> spans, long dataBytes) {
    spans.sort(Comparator.comparingLong(Span::begin).thenComparingLong(Span::end));
    long reached = 0;
    for (Span span : spans) {
      if (span.begin != reached) {
        throw new PalimpsestException(
            file
                + ": tensor '"
                + Quoted.of(span.name)
                + "' begins at byte "
                + span.begin
                + " of the data, expected "
                + reached
                + (span.begin < reached
                    ? " (tensors overlap)"
                    : " (unused bytes between tensors)"));
      }
      reached = span.end;
    }
    if (reached != dataBytes) {
      throw new PalimpsestException(
          file + ": found " + dataBytes + " bytes of tensors, expected " + reached);
    }
  }

  /** One field of the header, read with errors that name it. */
  private record Tensor(Path file, String name, JsonNode node) {
    Span span(long dataBytes) {
      if (!node.isObject()) {
        throw fault("is " + kind(node) + ", expected an object");
      }
      JsonNode offsets = node.path("data_offsets");
      if (!offsets.isArray()
          || offsets.size() != 2
          || !offsets.get(0).canConvertToLong()
          || !offsets.get(1).canConvertToLong()
          || !offsets.get(0).isIntegralNumber()
          || !offsets.get(1).isIntegralNumber()) {
        throw fault("has data_offsets " + Quoted.of(offsets) + ", expected two whole numbers");
      }
      long begin = offsets.get(0).longValue();
      long end = offsets.get(1).longValue();
      if (begin < 0 || end < begin) {
        throw fault("has data_offsets " + Quoted.of(offsets) + ", expected 0 <= begin <= end");
      }
      if (end > dataBytes) {
        throw fault(
            "ends at byte " + end + " of the data, the file has " + dataBytes + " (truncated?)");
      }
      return new Span(name, begin, end);
    }

    TensorInfo info(long bytes) {
      JsonNode label = node.path("dtype");
      if (!label.isTextual()) {
        throw fault("has dtype " + Quoted.of(label) + ", expected a string");
      }
      DType dtype =
          DType.labelled(label.textValue())
              .orElseThrow(
                  () ->
                      fault(
                          "has the unsupported dtype "
                              + Quoted.of(label.textValue())
                              + ", expected one of "
                              + List.of(DType.values())));
      long[] shape = shape();
      long expected = dtype.bytes();
      try {
        for (long size : shape) {
          expected = Math.multiplyExact(expected, size);
        }
      } catch (ArithmeticException overflow) {
        throw fault("has the absurd shape " + Quoted.of(node.path("shape")));
      }
      if (expected != bytes) {
        throw fault(
            "is "
                + Quoted.of(new TensorInfo(dtype, shape))
                + ", which takes "
                + expected
                + " bytes, but its data_offsets span "
                + bytes);
      }
      return new TensorInfo(dtype, shape);
    }

    private long[] shape() {
      JsonNode sizes = node.path("shape");
      if (!sizes.isArray()) {
        throw fault("has shape " + Quoted.of(sizes) + ", expected an array");
      }
      long[] shape = new long[sizes.size()];
      for (int i = 0; i < shape.length; i++) {
        JsonNode size = sizes.get(i);
        if (!size.isIntegralNumber() || !size.canConvertToLong() || size.longValue() < 0) {
          throw fault("has shape " + Quoted.of(sizes) + ", expected whole numbers");
        }
        shape[i] = size.longValue();
      }
      return shape;
    }

    private PalimpsestException fault(String what) {
      return new PalimpsestException(file + ": tensor '" + Quoted.of(name) + "' " + what);
    }
  }

  private static String kind(JsonNode node) {
    return "a JSON " + node.getNodeType().name().toLowerCase(java.util.Locale.ROOT);
  }

  static void readFully(FileChannel channel, ByteBuffer into, long position) throws IOException {
    long at = position;
    while (into.hasRemaining()) {
      int count = channel.read(into, at);
      if (count < 0) {
        throw new EOFException(
            "the file ends at byte " + at + ", expected " + into.remaining() + " more");
      }
      at += count;
    }
  }
}
