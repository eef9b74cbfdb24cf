package dev.palimpsest.model;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Quoted;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Keys of a JSON object, read with errors that name file and key. A key that is null counts as
 * absent unless said otherwise.
 *
 * @param file for messages
 * @param where the path of this object inside the file, empty or ending in a dot, for messages
 * @param node the object
 */
record ConfigJson(Path file, String where, JsonNode node) {
  boolean has(String key) {
    return node.hasNonNull(key);
  }

  /** Whether the key is there, null or not. */
  boolean mentions(String key) {
    return node.has(key);
  }

  /** An object; an empty one counts as absent. */
  Optional<ConfigJson> object(String key) {
    if (has(key) && !node.get(key).isObject()) {
      throw fault(key, "an object");
    }
    return node.path(key).isObject() && !node.path(key).isEmpty()
        ? Optional.of(new ConfigJson(file, where + key + ".", node.path(key)))
        : Optional.empty();
  }

  /** A size that must be there and positive. */
  int size(String key) {
    if (!has(key)) {
      throw new PalimpsestException(file + ": '" + where + key + "' is missing");
    }
    return size(key, 0);
  }

  int size(String key, int fallback) {
    return optionalSize(key).orElse(fallback);
  }

  OptionalInt optionalSize(String key) {
    if (!has(key)) {
      return OptionalInt.empty();
    }
    JsonNode value = node.get(key);
    if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 1) {
      throw fault(key, "a positive whole number");
    }
    return OptionalInt.of(value.intValue());
  }

  /** A size that must be there, as {@link #size(String)}, and not be absurd. */
  int sizeUpTo(int most, String key) {
    return requireUpTo(most, key, size(key));
  }

  int sizeUpTo(int most, String key, int fallback) {
    return requireUpTo(most, key, size(key, fallback));
  }

  private int requireUpTo(int most, String key, int size) {
    if (size > most) {
      throw fault(key, "at most " + most);
    }
    return size;
  }

  double number(String key) {
    if (!has(key)) {
      throw new PalimpsestException(file + ": '" + where + key + "' is missing");
    }
    return number(key, 0);
  }

  double number(String key, double fallback) {
    if (!has(key)) {
      return fallback;
    }
    if (!node.get(key).isNumber()) {
      throw fault(key, "a number");
    }
    if (!Double.isFinite(node.get(key).doubleValue())) {
      throw fault(key, "a finite number");
    }
    return node.get(key).doubleValue();
  }

  /** A number above 0. */
  double positive(String key, double fallback) {
    double value = number(key, fallback);
    if (has(key) && !(value > 0)) {
      throw fault(key, "a number above 0");
    }
    return value;
  }

  /** A number above 0 that must be there. */
  double positive(String key) {
    number(key);
    return positive(key, 0);
  }

  boolean flag(String key, boolean fallback) {
    if (!has(key)) {
      return fallback;
    }
    if (!node.get(key).isBoolean()) {
      throw fault(key, "true or false");
    }
    return node.get(key).booleanValue();
  }

  String text(String key, String fallback) {
    if (!has(key)) {
      return fallback;
    }
    if (!node.get(key).isTextual()) {
      throw fault(key, "a string");
    }
    return node.get(key).textValue();
  }

  /** Numbers above 0. */
  double[] numbers(String key) {
    JsonNode values = node.path(key);
    double[] result = new double[values.size()];
    for (int i = 0; i < result.length; i++) {
      result[i] = values.get(i).isNumber() ? values.get(i).doubleValue() : Double.NaN;
      if (!Double.isFinite(result[i]) || result[i] <= 0) {
        throw fault(key, "a list of numbers above 0");
      }
    }
    return result;
  }

  PalimpsestException fault(String key, String expected) {
    return new PalimpsestException(
        file
            + ": '"
            + where
            + key
            + "' is "
            + Quoted.of(node.path(key))
            + ", expected "
            + expected);
  }
}
