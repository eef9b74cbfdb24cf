package dev.palimpsest.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Values and what Python makes of them: {@link Nothing}, {@link Boolean}, {@link Long}, {@link
 * Double}, {@link String}, {@link List}, {@link Map}, {@link Namespace} and {@link Function}. There
 * are no others, so there is nothing to call but what is written here.
 */
final class Values {
  private Values() {}

  /** The members of a {@code namespace()}: the only thing a template can change. */
  record Namespace(Map<String, Object> members) {}

  /** Something that can be called. */
  interface Function {
    Object call(List<Object> positional, Map<String, Object> named);
  }

  /** Plain data as values; what is none of them is refused. */
  static Object of(Object data) {
    if (data instanceof Map<?, ?> map) {
      Map<Object, Object> result = new java.util.LinkedHashMap<>();
      map.forEach((key, value) -> result.put(of(key), value == null ? Nothing.NONE : of(value)));
      return result;
    }
    if (data instanceof Iterable<?> items) {
      List<Object> result = new ArrayList<>();
      items.forEach(item -> result.add(item == null ? Nothing.NONE : of(item)));
      return result;
    }
    if (data instanceof Integer whole) {
      return whole.longValue();
    }
    if (data instanceof Boolean
        || data instanceof Long
        || data instanceof Double
        || data instanceof String
        || data instanceof Nothing
        || data instanceof Function) {
      return data;
    }
    throw new IllegalArgumentException("no template can hold a " + data.getClass());
  }

  static boolean isTrue(Object value) {
    if (value instanceof Boolean truth) {
      return truth;
    }
    if (value instanceof Number number) {
      return number.doubleValue() != 0;
    }
    return switch (sizeOf(value)) {
      case -1 -> !(value instanceof Nothing);
      default -> sizeOf(value) > 0;
    };
  }

  /** Characters, items or keys; -1 of what has none. */
  static int sizeOf(Object value) {
    return value instanceof String text
        ? text.codePointCount(0, text.length())
        : value instanceof List<?> list
            ? list.size()
            : value instanceof Map<?, ?> map ? map.size() : -1;
  }

  static boolean areEqual(Object a, Object b) {
    return areEqual(a, b, new Budget());
  }

  /** Lists may hold one list many times over: what goes through them all counts its steps. */
  private static final class Budget {
    private static final int STEPS = 1_000_000;
    private int steps;

    void step() {
      if (++steps > STEPS) {
        throw new TemplateException("lists within lists too large to go through");
      }
    }
  }

  private static boolean areEqual(Object a, Object b, Budget budget) {
    budget.step();
    if (isNumber(a) && isNumber(b)) {
      return compare(a, b, budget) == 0;
    }
    if (a instanceof List<?> left && b instanceof List<?> right) {
      boolean equal = left.size() == right.size();
      for (int i = 0; equal && i < left.size(); i++) {
        equal = areEqual(left.get(i), right.get(i), budget);
      }
      return equal;
    }
    if (a instanceof Map<?, ?> left && b instanceof Map<?, ?> right) {
      return left.size() == right.size()
          && left.entrySet().stream()
              .allMatch(
                  entry -> {
                    Object other = right.get(entry.getKey());
                    return other != null && areEqual(entry.getValue(), other, budget);
                  });
    }
    return a.equals(b);
  }

  /** Where a mapping has a value for a key; lists and mappings are no keys. */
  static Object at(Map<?, ?> map, Object key) {
    if (key instanceof List || key instanceof Map) {
      throw new TemplateException(kind(key) + " cannot be a key");
    }
    Object found = map.get(key);
    return found == null ? Nothing.UNDEFINED : found;
  }

  private static boolean isNumber(Object value) {
    return value instanceof Number || value instanceof Boolean;
  }

  static double number(Object value) {
    if (value instanceof Boolean truth) {
      return truth ? 1 : 0;
    }
    if (value instanceof Number number) {
      return number.doubleValue();
    }
    throw new TemplateException("expected a number, found " + kind(value));
  }

  static long whole(Object value) {
    if (value instanceof Long || value instanceof Boolean) {
      return (long) number(value);
    }
    throw new TemplateException("expected a whole number, found " + kind(value));
  }

  static String string(Object value) {
    if (value instanceof String text) {
      return text;
    }
    throw new TemplateException("expected a string, found " + kind(value));
  }

  static int compare(Object a, Object b) {
    return compare(a, b, new Budget());
  }

  private static int compare(Object a, Object b, Budget budget) {
    budget.step();
    if (a instanceof Long left && b instanceof Long right) {
      return left.compareTo(right);
    }
    if (isNumber(a) && isNumber(b)) {
      return Double.compare(number(a), number(b));
    }
    if (a instanceof String left && b instanceof String right) {
      return left.compareTo(right);
    }
    if (a instanceof List<?> left && b instanceof List<?> right) {
      for (int i = 0; i < Math.min(left.size(), right.size()); i++) {
        int order = compare(left.get(i), right.get(i), budget);
        if (order != 0) {
          return order;
        }
      }
      return Integer.compare(left.size(), right.size());
    }
    throw new TemplateException("cannot compare " + kind(a) + " with " + kind(b));
  }

  static boolean contains(Object all, Object one) {
    if (all instanceof String text) {
      return text.contains(string(one));
    }
    if (all instanceof Map<?, ?> map) {
      return at(map, one) != Nothing.UNDEFINED;
    }
    return items(all).stream().anyMatch(item -> areEqual(item, one));
  }

  /** What a loop goes through. */
  static List<Object> items(Object value) {
    if (value instanceof List<?> list) {
      return new ArrayList<>(list);
    }
    if (value instanceof Map<?, ?> map) {
      return new ArrayList<>(map.keySet());
    }
    if (value instanceof String text) {
      List<Object> characters = new ArrayList<>();
      text.codePoints().forEach(c -> characters.add(Character.toString(c)));
      return characters;
    }
    if (value == Nothing.UNDEFINED) {
      return new ArrayList<>();
    }
    throw new TemplateException("cannot go through " + kind(value));
  }

  static String kind(Object value) {
    if (value instanceof Nothing nothing) {
      return nothing == Nothing.NONE ? "none" : "something undefined";
    }
    return value instanceof Boolean
        ? "a truth value"
        : value instanceof Number
            ? "a number"
            : value instanceof String
                ? "a string"
                : value instanceof List
                    ? "a list"
                    : value instanceof Map ? "a mapping" : "a function or namespace";
  }

  /** As printed. */
  static String text(Object value) {
    if (value instanceof String text) {
      return text;
    }
    StringBuilder text = new StringBuilder();
    if (value != Nothing.UNDEFINED) {
      quote(value, text);
    }
    return text.toString();
  }

  /** As it stands within a list. */
  private static void quote(Object value, StringBuilder text) {
    Bounds.requireLength(text.length());
    if (value instanceof String string) {
      quote(string, text);
    } else if (value instanceof List<?> list) {
      boolean tuple = value instanceof Tuple;
      text.append(tuple ? '(' : '[');
      for (int i = 0; i < list.size(); i++) {
        text.append(i == 0 ? "" : ", ");
        quote(list.get(i), text);
      }
      text.append(tuple && list.size() == 1 ? "," : "").append(tuple ? ')' : ']');
    } else if (value instanceof Map<?, ?> map) {
      String between = "{";
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        text.append(between);
        quote(entry.getKey(), text);
        text.append(": ");
        quote(entry.getValue(), text);
        between = ", ";
      }
      text.append(map.isEmpty() ? "{}" : "}");
    } else {
      text.append(plain(value));
    }
  }

  private static void quote(String string, StringBuilder text) {
    char quote = string.contains("'") && !string.contains("\"") ? '"' : '\'';
    text.append(quote);
    for (int i = 0; i < string.length(); i++) {
      char c = string.charAt(i);
      switch (c) {
        case '\n' -> text.append("\\n");
        case '\t' -> text.append("\\t");
        case '\r' -> text.append("\\r");
        case '\\' -> text.append("\\\\");
        default -> text.append(c == quote ? "\\" : "").append(c);
      }
    }
    text.append(quote);
  }

  private static String plain(Object value) {
    if (value instanceof Boolean truth) {
      return truth ? "True" : "False";
    }
    if (value instanceof Double real) {
      return real(real);
    }
    return value == Nothing.NONE
        ? "None"
        : value == Nothing.UNDEFINED
            ? "Undefined"
            : value instanceof Long ? value.toString() : kind(value);
  }

  /** As Python writes a float. */
  static String real(double value) {
    if (Double.isNaN(value) || Double.isInfinite(value)) {
      return Double.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
    }
    if (value == 0 || (Math.abs(value) >= 1e-4 && Math.abs(value) < 1e16)) {
      String plain = new java.math.BigDecimal(Double.toString(value)).toPlainString();
      return plain.contains(".") ? plain : plain + ".0";
    }
    String[] parts = Double.toString(value).toLowerCase(Locale.ROOT).split("e", 2);
    String digits =
        parts[0].endsWith(".0") ? parts[0].substring(0, parts[0].length() - 2) : parts[0];
    int exponent = Integer.parseInt(parts[1]);
    return digits
        + "e"
        + (exponent < 0 ? "-" : "+")
        + String.format(Locale.ROOT, "%02d", Math.abs(exponent));
  }
}
