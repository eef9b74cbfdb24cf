package dev.palimpsest.jinja;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Values as Python's {@code json.dumps(value, ensure_ascii=False)} writes them. */
final class JsonText {
  private final StringBuilder text = new StringBuilder();
  private final int indent;
  private final String between;
  private final String afterKey;
  private final boolean sorted;

  private JsonText(int indent, String between, String afterKey, boolean sorted) {
    this.indent = indent;
    this.between = between;
    this.afterKey = afterKey;
    this.sorted = sorted;
  }

  /** The filter {@code tojson}: {@code indent}, {@code separators} and {@code sort_keys}. */
  static String of(Object value, Map<String, Object> options) {
    Object indent = options.getOrDefault("indent", Nothing.NONE);
    boolean lines = indent instanceof Long;
    int width = lines ? (int) Math.min(16, Math.max(0, (Long) indent)) : -1;
    List<Object> separators =
        options.get("separators") instanceof List<?> given && given.size() == 2
            ? List.copyOf(given)
            : List.of(lines ? "," : ", ", ": ");
    JsonText json =
        new JsonText(
            width,
            Values.string(separators.get(0)),
            Values.string(separators.get(1)),
            Values.isTrue(options.getOrDefault("sort_keys", false)));
    json.write(value, 0);
    return json.text.toString();
  }

  private void write(Object value, int depth) {
    Bounds.requireLength(text.length());
    if (value instanceof String string) {
      quote(string);
    } else if (value instanceof Map<?, ?> map) {
      Map<Object, Object> entries = new java.util.LinkedHashMap<>();
      (sorted ? sorted(map) : map).forEach(entries::put);
      text.append('{');
      boolean first = true;
      for (Map.Entry<Object, Object> entry : entries.entrySet()) {
        next(first, depth);
        quote(Values.text(entry.getKey()));
        text.append(afterKey);
        write(entry.getValue(), depth + 1);
        first = false;
      }
      end(first, depth, '}');
    } else if (value instanceof List<?> list) {
      text.append('[');
      boolean first = true;
      for (Object item : list) {
        next(first, depth);
        write(item, depth + 1);
        first = false;
      }
      end(first, depth, ']');
    } else if (value instanceof Boolean || value instanceof Number) {
      text.append(value instanceof Boolean truth ? truth.toString() : Values.text(value));
    } else if (value == Nothing.NONE) {
      text.append("null");
    } else {
      throw new TemplateException(Values.kind(value) + " has no form in JSON");
    }
  }

  private static Map<?, ?> sorted(Map<?, ?> map) {
    TreeMap<Object, Object> sorted = new TreeMap<>(Values::compare);
    map.forEach(sorted::put);
    return sorted;
  }

  private void next(boolean first, int depth) {
    text.append(first ? "" : between);
    line(depth + 1);
  }

  private void end(boolean empty, int depth, char bracket) {
    if (!empty) {
      line(depth);
    }
    text.append(bracket);
  }

  private void line(int depth) {
    if (indent >= 0) {
      text.append('\n').append(" ".repeat(indent * depth));
    }
  }

  private void quote(String string) {
    text.append('"');
    for (int i = 0; i < string.length(); i++) {
      char c = string.charAt(i);
      switch (c) {
        case '"' -> text.append("\\\"");
        case '\\' -> text.append("\\\\");
        case '\n' -> text.append("\\n");
        case '\r' -> text.append("\\r");
        case '\t' -> text.append("\\t");
        case '\b' -> text.append("\\b");
        case '\f' -> text.append("\\f");
        default -> text.append(c < 0x20 ? String.format("\\u%04x", (int) c) : String.valueOf(c));
      }
    }
    text.append('"');
  }
}
