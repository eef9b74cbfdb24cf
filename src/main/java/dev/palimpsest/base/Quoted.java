package dev.palimpsest.base;

import java.util.Locale;

/**
 * Values as they are shown in messages: short, on one line, and without anything a terminal would
 * obey. What a damaged file holds may be a string of a million characters, or an escape sequence; a
 * message that quotes it whole is of no use to a person.
 */
public final class Quoted {
  /** The most characters of a value that are shown. */
  public static final int LONGEST = 100;

  private Quoted() {}

  /**
   * A value's text, at most {@value #LONGEST} characters of it, control characters escaped. A
   * longer one ends in "…" and its length.
   *
   * @param value anything; what {@link Object#toString} makes of it is shown
   */
  public static String of(Object value) {
    return shortened(value.toString(), LONGEST);
  }

  /**
   * A whole message with other limits: for sentences of a library that quote what they found.
   *
   * @param most characters that are shown
   */
  public static String shortened(String text, int most) {
    String printable = printable(text, most + 1);
    if (text.length() <= most && printable.length() <= most) {
      return printable;
    }
    String shown = printable.substring(0, Math.min(most, printable.length()));
    if (Character.isHighSurrogate(shown.charAt(shown.length() - 1))) {
      shown = shown.substring(0, shown.length() - 1);
    }
    return shown + "… (" + String.format(Locale.ROOT, "%,d", text.length()) + " characters)";
  }

  /** A text with its control characters escaped: what may be printed on a terminal as one line. */
  public static String printable(String text) {
    return printable(text, Integer.MAX_VALUE);
  }

  /** Stops soon after {@code enough} characters have been made. */
  private static String printable(String text, int enough) {
    StringBuilder shown = new StringBuilder(Math.min(text.length(), 256));
    int at = 0;
    while (at < text.length() && shown.length() < enough) {
      int character = text.codePointAt(at);
      at += Character.charCount(character);
      if (isPrintable(character)) {
        shown.appendCodePoint(character);
      } else if (character == '\n') {
        shown.append("\\n");
      } else if (character == '\t') {
        shown.append("\\t");
      } else {
        shown.append(
            String.format(Locale.ROOT, character > 0xFFFF ? "\\U%08x" : "\\u%04x", character));
      }
    }
    return shown.toString();
  }

  /** Neither a control character, nor one that turns the direction of text, nor half a pair. */
  private static boolean isPrintable(int character) {
    return switch (Character.getType(character)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      default -> true;
    };
  }
}
