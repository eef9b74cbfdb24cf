package dev.palimpsest.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntPredicate;

/** Python's methods of strings, lists and mappings, as far as they change nothing. */
final class Methods {
  private Methods() {}

  /**
   * Calls a method.
   *
   * @throws TemplateException where the object has none of that name
   */
  static Object call(Object object, String name, List<Object> given) {
    if (object instanceof String text) {
      return ofString(text, name, given);
    }
    if (object instanceof Map<?, ?> map) {
      return ofMapping(map, name, given);
    }
    if (object instanceof List<?> list) {
      return switch (name) {
        case "index" -> requireFound(indexOf(list, argument(given, 0)));
        case "count" ->
            list.stream().filter(item -> Values.areEqual(item, argument(given, 0))).count();
        default -> throw unknown(object, name);
      };
    }
    throw unknown(object, name);
  }

  private static TemplateException unknown(Object object, String name) {
    return new TemplateException(Values.kind(object) + " has no method '" + name + "'");
  }

  private static Object ofMapping(Map<?, ?> map, String name, List<Object> given) {
    return switch (name) {
      case "items" -> items(map);
      case "keys" -> new ArrayList<Object>(map.keySet());
      case "values" -> new ArrayList<Object>(map.values());
      case "get" -> {
        Object value = Values.at(map, argument(given, 0));
        yield value != Nothing.UNDEFINED ? value : given.size() > 1 ? given.get(1) : Nothing.NONE;
      }
      default -> throw unknown(map, name);
    };
  }

  static List<Object> items(Map<?, ?> map) {
    List<Object> items = new ArrayList<>();
    map.forEach((key, value) -> items.add(new Tuple(List.of(key, value))));
    return items;
  }

  private static Object ofString(String text, String name, List<Object> given) {
    return switch (name) {
      case "strip" -> stripped(text, given, true, true);
      case "lstrip" -> stripped(text, given, true, false);
      case "rstrip" -> stripped(text, given, false, true);
      case "split" -> split(text, given);
      case "rsplit" -> splitFromEnd(text, given);
      case "splitlines" -> new ArrayList<Object>(text.lines().toList());
      case "startswith" -> anyOf(argument(given, 0)).stream().anyMatch(text::startsWith);
      case "endswith" -> anyOf(argument(given, 0)).stream().anyMatch(text::endsWith);
      case "removeprefix" -> {
        String prefix = Values.string(argument(given, 0));
        yield text.startsWith(prefix) ? text.substring(prefix.length()) : text;
      }
      case "removesuffix" -> {
        String suffix = Values.string(argument(given, 0));
        yield text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length()) : text;
      }
      case "replace" -> replaced(text, given);
      case "upper" -> text.toUpperCase(Locale.ROOT);
      case "lower" -> text.toLowerCase(Locale.ROOT);
      case "capitalize" -> capitalized(text);
      case "title" -> title(text);
      case "find" -> place(text, text.indexOf(Values.string(argument(given, 0))));
      case "rfind" -> place(text, text.lastIndexOf(Values.string(argument(given, 0))));
      case "index" -> requireFound(place(text, text.indexOf(Values.string(argument(given, 0)))));
      case "count" -> (long) occurrences(text, Values.string(argument(given, 0)));
      case "join" ->
          String.join(text, Values.items(argument(given, 0)).stream().map(Values::string).toList());
      case "isdigit" -> all(text, Character::isDigit);
      case "isalpha" -> all(text, Character::isLetter);
      case "isalnum" -> all(text, Character::isLetterOrDigit);
      case "isspace" -> all(text, Character::isWhitespace);
      case "isupper" ->
          !text.equals(text.toLowerCase(Locale.ROOT)) && text.equals(text.toUpperCase(Locale.ROOT));
      case "islower" ->
          !text.equals(text.toUpperCase(Locale.ROOT)) && text.equals(text.toLowerCase(Locale.ROOT));
      default -> throw unknown(text, name);
    };
  }

  private static Object argument(List<Object> given, int index) {
    if (index >= given.size()) {
      throw new TemplateException("a method with too few arguments");
    }
    return given.get(index);
  }

  private static long requireFound(long place) {
    if (place < 0) {
      throw new TemplateException("index: not found");
    }
    return place;
  }

  private static long indexOf(List<?> list, Object one) {
    for (int i = 0; i < list.size(); i++) {
      if (Values.areEqual(list.get(i), one)) {
        return i;
      }
    }
    return -1;
  }

  private static long place(String text, int unit) {
    return unit < 0 ? -1 : text.codePointCount(0, unit);
  }

  private static List<String> anyOf(Object value) {
    return value instanceof List<?> list
        ? list.stream().map(Values::string).toList()
        : List.of(Values.string(value));
  }

  private static boolean all(String text, IntPredicate what) {
    return !text.isEmpty() && text.codePoints().allMatch(what);
  }

  static String stripped(String text, List<Object> given, boolean left, boolean right) {
    boolean blanks = given.isEmpty() || given.get(0) == Nothing.NONE;
    String set = blanks ? "" : Values.string(given.get(0));
    IntPredicate goes =
        c -> blanks ? Character.isWhitespace(c) || Character.isSpaceChar(c) : set.indexOf(c) >= 0;
    int from = 0;
    int to = text.length();
    while (left && from < to && goes.test(text.codePointAt(from))) {
      from += Character.charCount(text.codePointAt(from));
    }
    while (right && to > from && goes.test(text.codePointBefore(to))) {
      to -= Character.charCount(text.codePointBefore(to));
    }
    return text.substring(from, to);
  }

  private static List<Object> split(String text, List<Object> given) {
    long most = given.size() > 1 ? Values.whole(given.get(1)) : -1;
    List<Object> parts = new ArrayList<>();
    if (given.isEmpty() || given.get(0) == Nothing.NONE) {
      String rest = stripped(text, List.of(), true, false);
      while (!rest.isEmpty()) {
        int end = 0;
        while (end < rest.length() && !Character.isWhitespace(rest.charAt(end))) {
          end++;
        }
        if (most >= 0 && parts.size() == most) {
          end = rest.length();
        }
        parts.add(rest.substring(0, end));
        rest = stripped(rest.substring(end), List.of(), true, false);
      }
      return parts;
    }
    String separator = requireSeparator(given);
    int from = 0;
    for (int i = text.indexOf(separator);
        i >= 0 && (most < 0 || parts.size() < most);
        i = text.indexOf(separator, from)) {
      parts.add(text.substring(from, i));
      from = i + separator.length();
    }
    parts.add(text.substring(from));
    return parts;
  }

  private static List<Object> splitFromEnd(String text, List<Object> given) {
    if (given.size() < 2) {
      return split(text, given);
    }
    String separator = requireSeparator(given);
    long most = Values.whole(given.get(1));
    List<Object> parts = new ArrayList<>();
    String rest = text;
    for (int i = rest.lastIndexOf(separator);
        i >= 0 && (most < 0 || parts.size() < most);
        i = rest.lastIndexOf(separator)) {
      parts.add(0, rest.substring(i + separator.length()));
      rest = rest.substring(0, i);
    }
    parts.add(0, rest);
    return parts;
  }

  private static String requireSeparator(List<Object> given) {
    String separator = Values.string(given.get(0));
    if (separator.isEmpty()) {
      throw new TemplateException("split: an empty separator");
    }
    return separator;
  }

  static String replaced(String text, List<Object> given) {
    String from = Values.string(argument(given, 0));
    String to = Values.string(argument(given, 1));
    long most = given.size() > 2 ? Values.whole(given.get(2)) : -1;
    long size = (long) text.length() + (long) occurrences(text, from) * to.length();
    Bounds.requireLength(size);
    if (most < 0) {
      return text.replace(from, to);
    }
    StringBuilder result = new StringBuilder();
    int at = 0;
    for (long n = 0; n < most; n++) {
      int next = text.indexOf(from, at);
      if (next < 0 || from.isEmpty()) {
        break;
      }
      result.append(text, at, next).append(to);
      at = next + from.length();
    }
    return result.append(text.substring(at)).toString();
  }

  private static int occurrences(String text, String part) {
    if (part.isEmpty()) {
      return text.length() + 1;
    }
    int count = 0;
    for (int i = text.indexOf(part); i >= 0; i = text.indexOf(part, i + part.length())) {
      count++;
    }
    return count;
  }

  static String capitalized(String text) {
    return text.isEmpty()
        ? text
        : text.substring(0, 1).toUpperCase(Locale.ROOT)
            + text.substring(1).toLowerCase(Locale.ROOT);
  }

  static String title(String text) {
    StringBuilder result = new StringBuilder();
    boolean inside = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      result.append(inside ? Character.toLowerCase(c) : Character.toUpperCase(c));
      inside = Character.isLetter(c);
    }
    return result.toString();
  }
}
