package dev.palimpsest.fuzz;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ContainerNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import dev.palimpsest.base.Checksums;
import dev.palimpsest.base.Json;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;

/**
 * Damages files: at random where that is all that can be done, by their structure where that finds
 * more. The same seed makes the same damage.
 */
final class Mutator {
  /** How much of a file's structure is known. */
  enum Kind {
    /** Bytes alone. */
    BYTES,
    /** Lines of text. */
    TEXT,
    /** One JSON value. */
    JSON,
    /** A JSON value a line. */
    JSON_LINES,
    /** Eight bytes of length, JSON, the rest. */
    SAFETENSORS
  }

  private static final List<String> EXTREMES =
      List.of(
          "0",
          "-1",
          "1",
          "0.5",
          "-0.0",
          "1e999",
          "-1e999",
          "1E+5000",
          "1e-400",
          "2147483647",
          "2147483648",
          "-2147483649",
          "4294967296",
          "9223372036854775807",
          "9223372036854775808",
          "1e18",
          "NaN",
          "null",
          "true",
          "false",
          "\"\"",
          "\"9\"",
          "\"NaN\"",
          "\"\\ud800\"",
          "\"\\u0000\"",
          "\"\\u001b[31m\"",
          "[]",
          "{}",
          "[null]",
          "[[[[[[[[1]]]]]]]]",
          "{\"a\":{\"a\":{}}}",
          "\"(a+)+$\"",
          "\"../../x\"",
          "\"/\"",
          "12345678901234567890123");

  private final SplittableRandom random;

  Mutator(long seed) {
    random = new SplittableRandom(seed);
  }

  /**
   * @param whole the file as it should be
   * @param other another good file of the kind, to take pieces from
   */
  byte[] damaged(Kind kind, byte[] whole, byte[] other) {
    byte[] bytes = whole;
    int times = 1 + random.nextInt(random.nextInt(4) + 1);
    for (int i = 0; i < times; i++) {
      bytes = once(kind, bytes, other);
    }
    return random.nextInt(3) > 0 ? resealed(kind, bytes) : bytes;
  }

  private byte[] once(Kind kind, byte[] bytes, byte[] other) {
    if (random.nextInt(4) == 0) {
      return anywhere(bytes, other);
    }
    return switch (kind) {
      case BYTES -> anywhere(bytes, other);
      case TEXT -> inLines(bytes, this::inWords);
      case JSON -> inJson(bytes);
      case JSON_LINES -> inLines(bytes, this::inJson);
      case SAFETENSORS -> inSafeTensors(bytes, other);
    };
  }

  /** A flip, a cut, a hole, a repetition, a piece of another file, an extreme number. */
  private byte[] anywhere(byte[] bytes, byte[] other) {
    if (bytes.length == 0) {
      return random.nextBoolean() ? other : new byte[] {(byte) random.nextInt()};
    }
    int at = random.nextInt(bytes.length);
    int length = 1 + random.nextInt(Math.min(bytes.length - at, 1 << random.nextInt(10)));
    byte[] copy = bytes.clone();
    switch (random.nextInt(8)) {
      case 0, 1 -> copy[at] ^= (byte) (1 << random.nextInt(8));
      case 2 -> copy[at] = (byte) random.nextInt();
      case 3 -> {
        return Arrays.copyOf(bytes, at);
      }
      case 4 -> {
        return joined(
            Arrays.copyOf(bytes, at), Arrays.copyOfRange(bytes, at + length, bytes.length));
      }
      case 5 -> {
        return joined(
            Arrays.copyOf(bytes, at + length), Arrays.copyOfRange(bytes, at, bytes.length));
      }
      case 6 -> {
        int from = random.nextInt(other.length + 1);
        byte[] piece = Arrays.copyOfRange(other, from, Math.min(other.length, from + length));
        return joined(
            joined(Arrays.copyOf(bytes, at), piece), Arrays.copyOfRange(bytes, at, bytes.length));
      }
      default -> {
        long[] extremes = {
          0, -1, Long.MIN_VALUE, Long.MAX_VALUE, 1L << 31, 1L << 40, 0x7FC0_0000_7F80_0000L
        };
        byte[] number =
            ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(extremes[random.nextInt(extremes.length)])
                .array();
        System.arraycopy(number, 0, copy, at, Math.min(8, copy.length - at));
      }
    }
    return copy;
  }

  private interface LineDamage {
    byte[] to(byte[] line);
  }

  private byte[] inLines(byte[] bytes, LineDamage damage) {
    List<String> lines =
        new ArrayList<>(List.of(new String(bytes, StandardCharsets.UTF_8).split("\n", -1)));
    int at = random.nextInt(lines.size());
    switch (random.nextInt(8)) {
      case 0 -> lines.remove(at);
      case 1 -> lines.add(at, lines.get(random.nextInt(lines.size())));
      case 2 -> lines.set(at, EXTREMES.get(random.nextInt(EXTREMES.size())));
      default ->
          lines.set(
              at,
              new String(
                  damage.to(lines.get(at).getBytes(StandardCharsets.UTF_8)),
                  StandardCharsets.UTF_8));
    }
    return String.join("\n", lines).getBytes(StandardCharsets.UTF_8);
  }

  private byte[] inWords(byte[] line) {
    String text = new String(line, StandardCharsets.UTF_8);
    String[] words = text.split("(?<=[\\s:,\\[\\]{}])|(?=[\\s:,\\[\\]{}])");
    int at = random.nextInt(words.length);
    words[at] =
        switch (random.nextInt(4)) {
          case 0 -> words[random.nextInt(words.length)];
          case 1 -> words[at].repeat(2 + random.nextInt(50));
          case 2 -> "";
          default -> EXTREMES.get(random.nextInt(EXTREMES.size()));
        };
    return String.join("", words).getBytes(StandardCharsets.UTF_8);
  }

  /** Another value, another key, one key less or more, an endless string, an absurd depth. */
  private byte[] inJson(byte[] json) {
    JsonNode root;
    try {
      root = Json.MAPPER.readTree(json);
    } catch (JsonProcessingException damagedBefore) {
      return anywhere(json, json);
    } catch (java.io.IOException damagedBefore) {
      return anywhere(json, json);
    }
    List<ContainerNode<?>> places = new ArrayList<>();
    collect(root, places);
    if (places.isEmpty()) {
      return EXTREMES.get(random.nextInt(EXTREMES.size())).getBytes(StandardCharsets.UTF_8);
    }
    ContainerNode<?> place = places.get(random.nextInt(places.size()));
    RawValue value = new RawValue(value(places));
    if (place instanceof ObjectNode object) {
      List<String> keys = new ArrayList<>();
      object.fieldNames().forEachRemaining(keys::add);
      String key = keys.get(random.nextInt(keys.size()));
      switch (random.nextInt(8)) {
        case 0 -> object.remove(key);
        case 1 -> object.set("k" + random.nextInt(10), object.remove(key));
        case 2 -> object.set(key, object.get(keys.get(random.nextInt(keys.size()))).deepCopy());
        default -> object.putRawValue(key, value);
      }
    } else if (place instanceof ArrayNode array) {
      int at = random.nextInt(array.size());
      switch (random.nextInt(6)) {
        case 0 -> array.remove(at);
        case 1 -> array.insert(at, array.get(random.nextInt(array.size())).deepCopy());
        default -> {
          array.remove(at);
          array.insertRawValue(at, value);
        }
      }
    }
    return root.toString().getBytes(StandardCharsets.UTF_8);
  }

  private String value(List<ContainerNode<?>> places) {
    return switch (random.nextInt(12)) {
      case 0 -> "\"" + "x".repeat(1 << random.nextInt(18)) + "\"";
      case 1 -> "[".repeat(1200) + "]".repeat(1200);
      case 2 -> places.get(random.nextInt(places.size())).toString();
      case 3 -> Long.toString(random.nextLong());
      case 4 -> Double.toString(random.nextDouble() * 10 - 5);
      case 5 -> "\"\\u00" + random.nextInt(10, 99) + "\\n\"";
      default -> EXTREMES.get(random.nextInt(EXTREMES.size()));
    };
  }

  private static void collect(JsonNode node, List<ContainerNode<?>> into) {
    if (node instanceof ContainerNode<?> container && !container.isEmpty() && into.size() < 5000) {
      into.add(container);
      node.forEach(child -> collect(child, into));
    }
  }

  private byte[] inSafeTensors(byte[] bytes, byte[] other) {
    if (bytes.length < 8) {
      return anywhere(bytes, other);
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    long length = buffer.getLong(0);
    if (length < 0 || length > bytes.length - 8) {
      return anywhere(bytes, other);
    }
    int end = 8 + (int) length;
    byte[] data = Arrays.copyOfRange(bytes, end, bytes.length);
    byte[] header = Arrays.copyOfRange(bytes, 8, end);
    if (random.nextBoolean()) {
      byte[] changed = anywhere(data, data.length == 0 ? header : data);
      return joined(Arrays.copyOf(bytes, end), changed.length == data.length ? changed : data);
    }
    byte[] changed = inJson(header);
    return joined(
        joined(
            ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(changed.length).array(),
            changed),
        data);
  }

  /** With the right checksum, where it has one: else no damage would get past it. */
  private static byte[] resealed(Kind kind, byte[] bytes) {
    if (kind == Kind.BYTES) {
      return bytes;
    }
    byte[] copy = bytes.clone();
    // In a safetensors file the key is looked for in the header alone, as the reader does.
    int from = kind == Kind.SAFETENSORS ? Math.min(8, copy.length) : 0;
    int to = copy.length;
    if (kind == Kind.SAFETENSORS) {
      long length =
          copy.length < 8 ? 0 : ByteBuffer.wrap(copy).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
      to = length < 0 || length > copy.length - 8 ? from : from + (int) length;
    }
    int start = from;
    int stop = to;
    Checksums.place(Arrays.copyOfRange(copy, start, stop))
        .ifPresent(
            place -> {
              CRC32C sum = new CRC32C();
              Checksums.update(sum, copy, start + place);
              Checksums.put(copy, start + place, Checksums.digits(sum));
            });
    return copy;
  }

  private static byte[] joined(byte[] a, byte[] b) {
    byte[] both = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, both, a.length, b.length);
    return both;
  }
}
