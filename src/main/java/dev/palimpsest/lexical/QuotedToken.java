package dev.palimpsest.lexical;

import dev.palimpsest.base.PalimpsestException;

/**
 * A token in quotes, with the escapes of {@link dev.palimpsest.text.TokenNames}.
 *
 * @param text what stands between the quotes, without escapes
 * @param number the token's number, where it is given in place of a text; else -1
 */
record QuotedToken(String text, int number) {
  /** Makes the complaint that at a place something else was expected. */
  @FunctionalInterface
  interface Fault {
    PalimpsestException at(int place, String expected);
  }

  /** The quoted token that begins at a place, with its quotes. */
  static String end(String text, int begin, Fault fault) {
    for (int at = begin + 1; at < text.length(); at++) {
      char c = text.charAt(at);
      if (c == '\'') {
        return text.substring(begin, at + 1);
      }
      at += c == '\\' ? 1 : 0;
    }
    throw fault.at(begin, "a closing quote for the one that opens here");
  }

  /**
   * @param quoted with its quotes
   * @param begin its place in the text, for complaints
   */
  static QuotedToken read(String quoted, int begin, Fault fault) {
    StringBuilder text = new StringBuilder();
    int number = -1;
    String inside = quoted.substring(1, quoted.length() - 1);
    int at = 0;
    while (at < inside.length()) {
      char c = inside.charAt(at++);
      if (c != '\\') {
        text.append(c);
        continue;
      }
      int place = begin + at + 1;
      char escape = at < inside.length() ? inside.charAt(at++) : '\0';
      switch (escape) {
        case 'n' -> text.append('\n');
        case 't' -> text.append('\t');
        case 'r' -> text.append('\r');
        case '\'', '\\' -> text.append(escape);
        case 'u' -> {
          int close = inside.indexOf('}', at);
          text.appendCodePoint(codePoint(inside, at, close, place, fault));
          at = close + 1;
        }
        case '#' -> {
          int close = inside.indexOf(';', at);
          number = number(inside, at, close, place, fault);
          at = close + 1;
        }
        default -> throw fault.at(place, "one of n t r u ' \\ # after the backslash");
      }
    }
    String shown = number >= 0 ? inside : text.toString();
    return new QuotedToken(shown, number);
  }

  private static int codePoint(String inside, int from, int close, int place, Fault fault) {
    try {
      if (close > from && inside.charAt(from) == '{') {
        int point = Integer.parseInt(inside.substring(from + 1, close), 16);
        if (Character.isValidCodePoint(point)) {
          return point;
        }
      }
    } catch (NumberFormatException notHexadecimal) {
      throw (PalimpsestException)
          fault.at(place, "a code point in braces").initCause(notHexadecimal);
    }
    throw fault.at(place, "a code point in braces");
  }

  private static int number(String inside, int from, int close, int place, Fault fault) {
    try {
      return Integer.parseInt(inside.substring(from, Math.max(from, close)));
    } catch (NumberFormatException notANumber) {
      throw (PalimpsestException)
          fault.at(place, "\\#, a token number and ';'").initCause(notANumber);
    }
  }
}
