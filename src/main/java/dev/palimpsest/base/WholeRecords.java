package dev.palimpsest.base;

import java.lang.reflect.Array;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.Collection;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * Finds what a record read from a file lacks: Jackson leaves null where a key is missing, and takes
 * {@code 1e999} for infinity, whatever the types promise.
 */
final class WholeRecords {
  private WholeRecords() {}

  /**
   * @return the first fault, as "'a.b' is missing" or "'a.b' is not a finite number"; empty if
   *     there is none
   */
  static Optional<String> fault(Record value) {
    return fault(value, "");
  }

  private static Optional<String> fault(Record value, String prefix) {
    for (RecordComponent component : value.getClass().getRecordComponents()) {
      Type type = component.getGenericType();
      if (type == Object.class) {
        continue; // a tree of whatever a summary holds
      }
      Optional<String> fault =
          fault(component(value, component), type, prefix + snakeCase(component.getName()));
      if (fault.isPresent()) {
        return fault;
      }
    }
    return Optional.empty();
  }

  private static Optional<String> fault(@Nullable Object value, Type type, String key) {
    if (value == null) {
      return Optional.of("'" + key + "' is missing");
    }
    if ((value instanceof Float || value instanceof Double)
        && !Double.isFinite(((Number) value).doubleValue())) {
      return notFinite(key);
    }
    if (value instanceof OptionalDouble number) {
      return number.isPresent() && !Double.isFinite(number.getAsDouble())
          ? notFinite(key)
          : Optional.empty();
    }
    if (value instanceof Record inner) {
      return fault(inner, key + ".");
    }
    if (value instanceof Optional<?> optional) {
      return optional.flatMap(inner -> fault(inner, argument(type, 0), key));
    }
    if (value instanceof float[] numbers) {
      for (int i = 0; i < numbers.length; i++) {
        if (!Float.isFinite(numbers[i])) {
          return notFinite(key + "[" + i + "]");
        }
      }
      return Optional.empty();
    }
    if (value.getClass().isArray()) {
      return faultOfArray(value, key);
    }
    if (value instanceof Collection<?> list && argument(type, 0) != Object.class) {
      int at = 0;
      for (Object each : list) {
        Optional<String> fault = fault(each, argument(type, 0), key + "[" + at++ + "]");
        if (fault.isPresent()) {
          return fault;
        }
      }
    }
    if (value instanceof Map<?, ?> map && argument(type, 1) != Object.class) {
      for (Map.Entry<?, ?> each : map.entrySet()) {
        Optional<String> fault =
            fault(each.getValue(), argument(type, 1), key + "." + Quoted.of(each.getKey()));
        if (fault.isPresent()) {
          return fault;
        }
      }
    }
    return Optional.empty();
  }

  private static Optional<String> faultOfArray(Object array, String key) {
    Class<?> element = array.getClass().getComponentType();
    if (element.isPrimitive() && element != double.class) {
      return Optional.empty(); // whole numbers
    }
    for (int i = 0; i < Array.getLength(array); i++) {
      Optional<String> fault = fault(Array.get(array, i), element, key + "[" + i + "]");
      if (fault.isPresent()) {
        return fault;
      }
    }
    return Optional.empty();
  }

  private static Optional<String> notFinite(String key) {
    return Optional.of("'" + key + "' is not a finite number");
  }

  private static Type argument(Type type, int index) {
    return type instanceof ParameterizedType parameterized
        ? parameterized.getActualTypeArguments()[index]
        : Object.class;
  }

  private static @Nullable Object component(Record value, RecordComponent component) {
    try {
      component.getAccessor().setAccessible(true); // records of stores are private to them
      return component.getAccessor().invoke(value);
    } catch (IllegalAccessException | InvocationTargetException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private static String snakeCase(String name) {
    return name.replaceAll("([a-z])([A-Z])", "$1_$2").toLowerCase(Locale.ROOT);
  }
}
