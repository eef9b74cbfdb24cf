package dev.palimpsest.jinja;

import java.util.ArrayList;
import java.util.List;

/** Python's operators on numbers, strings and lists. */
final class Arithmetic {
  private Arithmetic() {}

  static Object of(String operator, Object a, Object b) {
    if (operator.equals("~")) {
      return joined(Values.text(a), Values.text(b));
    }
    if (operator.equals("+") && a instanceof String left && b instanceof String right) {
      return joined(left, right);
    }
    if (operator.equals("+") && a instanceof List<?> left && b instanceof List<?> right) {
      Bounds.requireLength((long) left.size() + right.size());
      List<Object> all = new ArrayList<>(left);
      all.addAll(right);
      return all;
    }
    if (operator.equals("*") && a instanceof String text && b instanceof Long count) {
      Bounds.requireLength(Math.max(0, count) > 4_000_000 ? Long.MAX_VALUE : count * text.length());
      return text.repeat((int) Math.max(0, count));
    }
    if (operator.equals("*") && a instanceof Long && b instanceof String) {
      return of(operator, b, a);
    }
    if (!isNumber(a) || !isNumber(b)) {
      throw new TemplateException(
          "'" + operator + "' of " + Values.kind(a) + " and " + Values.kind(b));
    }
    try {
      return a instanceof Double || b instanceof Double || operator.equals("/")
          ? real(operator, Values.number(a), Values.number(b))
          : whole(operator, Values.whole(a), Values.whole(b));
    } catch (ArithmeticException overflow) {
      throw new TemplateException("'" + operator + "': a number too large, or division by zero");
    }
  }

  private static boolean isNumber(Object value) {
    return value instanceof Number || value instanceof Boolean;
  }

  private static String joined(String left, String right) {
    Bounds.requireLength((long) left.length() + right.length());
    return left + right;
  }

  private static Object whole(String operator, long a, long b) {
    return switch (operator) {
      case "+" -> Math.addExact(a, b);
      case "-" -> Math.subtractExact(a, b);
      case "*" -> Math.multiplyExact(a, b);
      case "//" -> Math.floorDiv(a, b);
      case "%" -> Math.floorMod(a, b);
      default -> b < 0 ? (Object) Math.pow((double) a, (double) b) : (Object) power(a, b);
    };
  }

  private static long power(long base, long exponent) {
    if (Math.abs(base) <= 1) {
      return base == -1 && exponent % 2 == 0 ? 1 : exponent == 0 ? 1 : base;
    }
    long result = 1;
    for (long i = 0; i < exponent; i++) { // ends by overflow after 62 steps
      result = Math.multiplyExact(result, base);
    }
    return result;
  }

  private static Object real(String operator, double a, double b) {
    if (b == 0 && "/ // %".contains(operator)) {
      throw new ArithmeticException("division by zero");
    }
    return switch (operator) {
      case "+" -> a + b;
      case "-" -> a - b;
      case "*" -> a * b;
      case "/" -> a / b;
      case "//" -> Math.floor(a / b);
      case "%" -> a - b * Math.floor(a / b);
      default -> Math.pow(a, b);
    };
  }
}
