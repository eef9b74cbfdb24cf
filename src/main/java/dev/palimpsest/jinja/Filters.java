package dev.palimpsest.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Jinja's filters, as far as they change nothing and look at nothing but their arguments. */
final class Filters {
  private Filters() {}

  /** Applies a filter; {@code named} holds arguments given by name. */
  static Object apply(String name, Object value, List<Object> given, Map<String, Object> named) {
    return switch (name) {
      case "trim", "strip" -> Methods.stripped(Values.text(value), given, true, true);
      case "upper" -> Values.text(value).toUpperCase(Locale.ROOT);
      case "lower" -> Values.text(value).toLowerCase(Locale.ROOT);
      case "capitalize" -> Methods.capitalized(Values.text(value));
      case "title" -> Methods.title(Values.text(value));
      case "replace" -> Methods.replaced(Values.text(value), given);
      case "string" -> Values.text(value);
      case "safe" -> value;
      case "escape", "e" -> escaped(Values.text(value));
      case "indent" -> indented(Values.text(value), given, named);
      case "tojson" -> JsonText.of(value, named(given, named, "indent"));
      case "default", "d" -> defaulted(value, named(given, named, "default_value", "boolean"));
      case "length", "count" -> length(value);
      case "first" -> at(Values.items(value), 0);
      case "last" -> at(Values.items(value), -1);
      case "list" -> Values.items(value);
      case "items" -> value instanceof Map<?, ?> map ? Methods.items(map) : new ArrayList<Object>();
      case "dictsort" -> sorted(Values.items(Methods.items(mapping(value))), Map.of());
      case "reverse" -> reversed(value);
      case "sort" ->
          sorted(
              Values.items(value), named(given, named, "reverse", "case_sensitive", "attribute"));
      case "unique" -> unique(Values.items(value));
      case "join" -> joined(value, named(given, named, "d", "attribute"));
      case "map" -> mapped(Values.items(value), given, named);
      case "select" -> chosen(Values.items(value), given, 0, false);
      case "reject" -> chosen(Values.items(value), given, 0, true);
      case "selectattr" -> chosen(Values.items(value), given, 1, false);
      case "rejectattr" -> chosen(Values.items(value), given, 1, true);
      case "int" -> whole(value, given);
      case "float" -> real(value, given);
      case "abs" ->
          value instanceof Long whole ? (Object) Math.abs(whole) : Math.abs(Values.number(value));
      case "round" -> rounded(Values.number(value), given);
      case "sum" -> summed(Values.items(value));
      case "min" -> Values.items(value).stream().min(Values::compare).orElse(Nothing.UNDEFINED);
      case "max" -> Values.items(value).stream().max(Values::compare).orElse(Nothing.UNDEFINED);
      default -> throw new TemplateException("filter '" + name + "' is not known here");
    };
  }

  /** Arguments by position and by name together. */
  private static Map<String, Object> named(
      List<Object> given, Map<String, Object> named, String... names) {
    Map<String, Object> all = new java.util.HashMap<>(named);
    for (int i = 0; i < Math.min(given.size(), names.length); i++) {
      all.put(names[i], given.get(i));
    }
    return all;
  }

  private static Map<?, ?> mapping(Object value) {
    if (value instanceof Map<?, ?> map) {
      return map;
    }
    throw new TemplateException("expected a mapping, found " + Values.kind(value));
  }

  private static Object length(Object value) {
    int size = value == Nothing.UNDEFINED ? 0 : Values.sizeOf(value);
    if (size < 0) {
      throw new TemplateException(Values.kind(value) + " has no length");
    }
    return (long) size;
  }

  private static Object defaulted(Object value, Map<String, Object> options) {
    boolean empty = Values.isTrue(options.getOrDefault("boolean", false)) && !Values.isTrue(value);
    return value == Nothing.UNDEFINED || empty ? options.getOrDefault("default_value", "") : value;
  }

  static Object at(List<?> items, long index) {
    long place = index < 0 ? index + items.size() : index;
    return place >= 0 && place < items.size() ? items.get((int) place) : Nothing.UNDEFINED;
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("'", "&#39;")
        .replace("\"", "&#34;");
  }

  private static String indented(String text, List<Object> given, Map<String, Object> named) {
    Map<String, Object> options = named(given, named, "width", "first", "blank");
    Object width = options.getOrDefault("width", 4L);
    String margin =
        width instanceof String string
            ? string
            : " ".repeat((int) Math.min(100, Math.max(0, Values.whole(width))));
    boolean blank = Values.isTrue(options.getOrDefault("blank", false));
    String[] lines = text.split("\n", -1);
    Bounds.requireLength(text.length() + (long) lines.length * margin.length());
    StringBuilder result = new StringBuilder();
    for (int i = 0; i < lines.length; i++) {
      boolean indents =
          i == 0
              ? Values.isTrue(options.getOrDefault("first", false))
              : blank || !lines[i].isEmpty();
      result.append(i == 0 ? "" : "\n").append(indents ? margin : "").append(lines[i]);
    }
    return result.toString();
  }

  private static Object reversed(Object value) {
    if (value instanceof String text) {
      return new StringBuilder(text).reverse().toString();
    }
    List<Object> items = Values.items(value);
    Collections.reverse(items);
    return items;
  }

  private static List<Object> sorted(List<Object> items, Map<String, Object> options) {
    Object attribute = options.getOrDefault("attribute", Nothing.NONE);
    boolean sensitive = Values.isTrue(options.getOrDefault("case_sensitive", false));
    items.sort(
        (a, b) -> Values.compare(key(a, attribute, sensitive), key(b, attribute, sensitive)));
    if (Values.isTrue(options.getOrDefault("reverse", false))) {
      Collections.reverse(items);
    }
    return items;
  }

  private static Object key(Object item, Object attribute, boolean sensitive) {
    Object key = attribute instanceof String name ? member(item, name) : item;
    return key instanceof String text && !sensitive ? text.toLowerCase(Locale.ROOT) : key;
  }

  private static List<Object> unique(List<Object> items) {
    List<Object> result = new ArrayList<>();
    for (Object item : items) {
      if (!Values.contains(result, item)) {
        result.add(item);
      }
    }
    return result;
  }

  private static String joined(Object value, Map<String, Object> options) {
    Object attribute = options.getOrDefault("attribute", Nothing.NONE);
    List<String> parts =
        Values.items(value).stream()
            .map(item -> attribute instanceof String name ? member(item, name) : item)
            .map(Values::text)
            .toList();
    String separator = Values.text(options.getOrDefault("d", ""));
    Bounds.requireLength(
        parts.stream().mapToLong(String::length).sum() + (long) parts.size() * separator.length());
    return String.join(separator, parts);
  }

  private static List<Object> mapped(
      List<Object> items, List<Object> given, Map<String, Object> named) {
    List<Object> result = new ArrayList<>();
    for (Object item : items) {
      if (named.get("attribute") instanceof String attribute) {
        Object found = member(item, attribute);
        result.add(found == Nothing.UNDEFINED ? named.getOrDefault("default", found) : found);
      } else {
        if (given.isEmpty()) {
          throw new TemplateException("map without a filter or attribute");
        }
        result.add(
            apply(Values.string(given.get(0)), item, given.subList(1, given.size()), Map.of()));
      }
    }
    return result;
  }

  private static List<Object> chosen(
      List<Object> items, List<Object> given, int attributes, boolean rejects) {
    List<Object> result = new ArrayList<>();
    for (Object item : items) {
      Object looked = attributes == 1 ? member(item, Values.string(given.get(0))) : item;
      boolean holds =
          given.size() > attributes
              ? Tests.holds(
                  Values.string(given.get(attributes)),
                  looked,
                  given.subList(attributes + 1, given.size()))
              : Values.isTrue(looked);
      if (holds != rejects) {
        result.add(item);
      }
    }
    return result;
  }

  /** A member by its dotted name. */
  private static Object member(Object item, String name) {
    Object at = item;
    for (String part : name.split("\\.", -1)) {
      Object found = at instanceof Map<?, ?> map ? map.get(part) : null;
      at = found == null ? Nothing.UNDEFINED : found;
    }
    return at;
  }

  private static Object whole(Object value, List<Object> given) {
    try {
      return value instanceof String text
          ? (Object) (long) Double.parseDouble(text.strip())
          : (Object) (long) Values.number(value);
    } catch (NumberFormatException | TemplateException none) {
      return given.isEmpty() ? 0L : given.get(0);
    }
  }

  private static Object real(Object value, List<Object> given) {
    try {
      return value instanceof String text
          ? (Object) Double.parseDouble(text.strip())
          : (Object) Values.number(value);
    } catch (NumberFormatException | TemplateException none) {
      return given.isEmpty() ? 0.0 : given.get(0);
    }
  }

  private static double rounded(double value, List<Object> given) {
    double scale = Math.pow(10, given.isEmpty() ? 0 : Values.number(given.get(0)));
    return Math.rint(value * scale) / scale;
  }

  private static Object summed(List<Object> items) {
    boolean whole = items.stream().allMatch(item -> item instanceof Long);
    double sum = items.stream().mapToDouble(Values::number).sum();
    return whole ? (Object) (long) sum : (Object) sum;
  }
}
