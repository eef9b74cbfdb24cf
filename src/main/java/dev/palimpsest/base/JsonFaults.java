package dev.palimpsest.base;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.exc.InvalidFormatException;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.exc.PropertyBindingException;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
import java.util.Arrays;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What is wrong with JSON or YAML, in a person's words instead of the library's. */
public final class JsonFaults {
  private static final int LONGEST_SENTENCE = 160;

  /** "[Source: (byte[])…; line: 1, column: 2]": which Java object the text is read from. */
  private static final Pattern SOURCE =
      Pattern.compile("\\[Source: .*; line: (-?\\d+), column: (-?\\d+)\\]");

  private JsonFaults() {}

  /**
   * A short sentence on one line: the key at fault, what was found and what was expected; without
   * file or line.
   */
  public static String describe(JsonProcessingException failure) {
    if (failure instanceof JsonMappingException mapping) {
      String key = key(mapping);
      return (key.isEmpty() ? "" : "'" + Quoted.of(key) + "' ") + what(mapping, !key.isEmpty());
    }
    String sentence = sentence(failure);
    return failure instanceof StreamConstraintsException
        ? "beyond what is read: " + sentence
        : "not valid: " + sentence;
  }

  /** {@link #describe} and where in the text it is, as " (line 2, column 7)". */
  public static String describeWithPlace(JsonProcessingException failure) {
    JsonLocation place = failure.getLocation();
    return describe(failure)
        + (place == null || place.getLineNr() < 1
            ? ""
            : " (line " + place.getLineNr() + ", column " + place.getColumnNr() + ")");
  }

  private static String what(JsonMappingException failure, boolean afterKey) {
    if (failure instanceof PropertyBindingException unknown) {
      Collection<Object> known = unknown.getKnownPropertyIds();
      return "is not known here"
          + (known == null || known.isEmpty()
              ? ""
              : "; known: "
                  + Quoted.shortened(
                      known.stream()
                          .map(Object::toString)
                          .sorted()
                          .collect(Collectors.joining(", ")),
                      LONGEST_SENTENCE));
    }
    if (failure instanceof InvalidFormatException format && format.getValue() != null) {
      return (afterKey ? "is '" : "found '")
          + Quoted.of(format.getValue())
          + "', expected "
          + kind(format.getTargetType());
    }
    if (failure instanceof ValueInstantiationException refused) {
      return refusal(refused);
    }
    if (failure instanceof MismatchedInputException mismatch) {
      String message = String.valueOf(mismatch.getOriginalMessage());
      if (message.startsWith("Missing") || message.contains("Cannot map `null`")) {
        return "is missing";
      }
      if (message.startsWith("No content")) {
        return "holds nothing";
      }
      if (message.startsWith("Trailing token")) {
        return "more follows the value";
      }
      if (mismatch.getTargetType() != null) {
        return (afterKey ? "is not " : "expected ") + kind(mismatch.getTargetType());
      }
    }
    return (afterKey ? "is not valid: " : "not valid: ") + sentence(failure);
  }

  /** A record that refused its values says why; one that tripped over a null does not. */
  private static String refusal(ValueInstantiationException refused) {
    Throwable cause = refused.getCause();
    return cause == null || cause instanceof NullPointerException || cause.getMessage() == null
        ? "lacks a value"
        : "is refused: " + Quoted.shortened(cause.getMessage(), LONGEST_SENTENCE);
  }

  private static String key(JsonMappingException failure) {
    StringBuilder key = new StringBuilder();
    for (JsonMappingException.Reference step : failure.getPath()) {
      if (step.getFieldName() == null) {
        key.append('[').append(step.getIndex()).append(']');
      } else {
        key.append(key.isEmpty() ? "" : ".").append(step.getFieldName());
      }
    }
    return key.toString();
  }

  private static String sentence(JsonProcessingException failure) {
    String message = failure.getOriginalMessage();
    String first =
        message == null ? "cannot be parsed" : message.lines().findFirst().orElse("nothing there");
    return Quoted.shortened(withoutSource(first), LONGEST_SENTENCE);
  }

  /** Of what the library says of the text's source, the place alone. */
  private static String withoutSource(String sentence) {
    return SOURCE.matcher(sentence).replaceAll("line $1, column $2");
  }

  private static String kind(@Nullable Class<?> type) {
    if (type == null) {
      return "another kind of value";
    }
    if (type == boolean.class || type == Boolean.class) {
      return "true or false";
    }
    if (type == int.class || type == Integer.class || type == OptionalInt.class) {
      return "a whole number below 2^31";
    }
    if (type == long.class || type == Long.class || type == OptionalLong.class) {
      return "a whole number below 2^63";
    }
    if (type == double.class
        || type == float.class
        || Number.class.isAssignableFrom(type)
        || type == OptionalDouble.class) {
      return "a number";
    }
    if (type == String.class) {
      return "text";
    }
    if (type.isEnum()) {
      return "one of "
          + Arrays.stream(type.getEnumConstants())
              .map(Object::toString)
              .collect(Collectors.joining(", "));
    }
    if (type.isArray() || Collection.class.isAssignableFrom(type)) {
      return "a list";
    }
    return type.isRecord() || Map.class.isAssignableFrom(type) || type == Optional.class
        ? "an object"
        : "another kind of value";
  }
}
