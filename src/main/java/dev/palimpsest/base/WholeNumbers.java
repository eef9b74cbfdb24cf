package dev.palimpsest.base;

import java.math.BigDecimal;
import java.util.OptionalLong;
import java.util.regex.Pattern;

/**
 * Whole numbers as people write large ones: {@code 1000000}, {@code 1_000_000}, {@code 1e6}, {@code
 * 2.5e6}. One reader for the command line and for settings.
 */
public final class WholeNumbers {
  /** What a message says where something else was found. */
  public static final String EXPECTED = "a whole number such as 1000000, 1_000_000 or 1e6";

  private static final Pattern NUMBER =
      Pattern.compile("[+-]?\\d+(?:_\\d+)*(?:\\.\\d+)?(?:[eE]\\+?\\d{1,2})?");

  private WholeNumbers() {}

  /** The number that a text stands for; empty where it is none, not whole, or beyond 64 bits. */
  public static OptionalLong parse(String text) {
    if (!NUMBER.matcher(text).matches()) {
      return OptionalLong.empty();
    }
    try {
      return OptionalLong.of(new BigDecimal(text.replace("_", "")).longValueExact());
    } catch (ArithmeticException notWholeOrTooLarge) {
      return OptionalLong.empty();
    }
  }
}
