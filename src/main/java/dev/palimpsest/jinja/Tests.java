package dev.palimpsest.jinja;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What can stand behind {@code is}. */
final class Tests {
  private Tests() {}

  static boolean holds(String name, Object value, List<Object> given) {
    return switch (name) {
      case "defined" -> value != Nothing.UNDEFINED;
      case "undefined" -> value == Nothing.UNDEFINED;
      case "none" -> value == Nothing.NONE;
      case "string" -> value instanceof String;
      case "number" -> value instanceof Number || value instanceof Boolean;
      case "integer" -> value instanceof Long;
      case "float" -> value instanceof Double;
      case "boolean" -> value instanceof Boolean;
      case "true" -> Boolean.TRUE.equals(value);
      case "false" -> Boolean.FALSE.equals(value);
      case "mapping" -> value instanceof Map;
      case "sequence" -> value instanceof List || value instanceof String || value instanceof Map;
      case "iterable" -> value instanceof List || value instanceof String || value instanceof Map;
      case "callable" -> value instanceof Values.Function;
      case "odd" -> Math.floorMod(Values.whole(value), 2L) == 1;
      case "even" -> Math.floorMod(Values.whole(value), 2L) == 0;
      case "divisibleby" -> divides(Values.whole(argument(name, given)), Values.whole(value));
      case "lower" -> value.equals(Values.string(value).toLowerCase(Locale.ROOT));
      case "upper" -> value.equals(Values.string(value).toUpperCase(Locale.ROOT));
      case "eq", "equalto", "==", "sameas" -> Values.areEqual(value, argument(name, given));
      case "ne", "!=" -> !Values.areEqual(value, argument(name, given));
      case "lt", "lessthan", "<" -> Values.compare(value, argument(name, given)) < 0;
      case "le", "<=" -> Values.compare(value, argument(name, given)) <= 0;
      case "gt", "greaterthan", ">" -> Values.compare(value, argument(name, given)) > 0;
      case "ge", ">=" -> Values.compare(value, argument(name, given)) >= 0;
      case "in" -> Values.contains(argument(name, given), value);
      default -> throw new TemplateException("test '" + name + "' is not known here");
    };
  }

  private static boolean divides(long divisor, long value) {
    if (divisor == 0) {
      throw new TemplateException("division by zero");
    }
    return value % divisor == 0;
  }

  private static Object argument(String name, List<Object> given) {
    if (given.isEmpty()) {
      throw new TemplateException("test '" + name + "' needs a value");
    }
    return given.get(0);
  }
}
