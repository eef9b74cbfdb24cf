package dev.palimpsest.lexical;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.text.TokenNames;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * Splits the explainer's English into words, numbers, quoted tokens and traits, from left to right.
 */
final class ScorecardLexer {
  private static final int MOST_POINTS = 1000;

  private final String text;
  private final TokenNames names;
  private final Consumer<UnknownToken> unknown;
  private int at;

  /**
   * @param unknown is told the names that no token has
   */
  ScorecardLexer(String text, TokenNames names, Consumer<UnknownToken> unknown) {
    this.text = text;
    this.names = names;
    this.unknown = unknown;
    skipSpace();
  }

  /** Takes the word or sign if it comes next; the case of letters does not matter. */
  boolean accept(String word) {
    int end = at + word.length();
    if (end > text.length() || !text.regionMatches(true, at, word, 0, word.length())) {
      return false;
    }
    boolean letters = Character.isLetter(word.charAt(0));
    if (letters && end < text.length() && Character.isLetterOrDigit(text.charAt(end))) {
      return false;
    }
    at = end;
    skipSpace();
    return true;
  }

  void expect(String word) {
    if (!accept(word)) {
      throw expected("'" + word + "'");
    }
  }

  void end() {
    if (at < text.length()) {
      throw expected("the end, or ';' and another clause");
    }
  }

  boolean atNumber() {
    return at < text.length() && (isDigit(text.charAt(at)) || isSign(text.charAt(at)));
  }

  boolean atTrait() {
    return at < text.length() && text.charAt(at) == '<';
  }

  /** A whole number with or without sign, at most 1000 either way. */
  int number() {
    int begin = at;
    int end = at;
    if (end < text.length() && isSign(text.charAt(end))) {
      end++;
    }
    int value = 0;
    int digits = 0;
    while (end < text.length() && isDigit(text.charAt(end)) && value <= MOST_POINTS) {
      value = 10 * value + (text.charAt(end) - '0');
      digits++;
      end++;
    }
    if (digits == 0 || value > MOST_POINTS) {
      throw expected("a whole number of at most " + MOST_POINTS);
    }
    at = end;
    skipSpace();
    return text.charAt(begin) == '-' ? -value : value;
  }

  int positive() {
    int begin = at;
    int value = number();
    if (value < 1) {
      at = begin;
      throw expected("a positive number");
    }
    return value;
  }

  Trait trait() {
    int close = text.indexOf('>', at);
    String word = close < 0 ? "" : text.substring(at + 1, close).toLowerCase(Locale.ROOT);
    Trait trait = Trait.spelt(word).orElseThrow(() -> expected("one of the traits in <>"));
    at = close + 1;
    skipSpace();
    return trait;
  }

  /** The tokens of one sequence, joined by bars. */
  List<Integer> tokens() {
    int begin = at;
    List<Integer> tokens = new ArrayList<>();
    do {
      tokens.add(token());
    } while (skip('|'));
    if (tokens.get(tokens.size() - 1) == Pattern.ANY) {
      at = begin;
      throw expected("a sequence that does not end in " + ScorecardText.ANY);
    }
    skipSpace();
    return tokens;
  }

  private int token() {
    if (skip('\'')) {
      return quoted();
    }
    if (text.startsWith(ScorecardText.ANY, at)) {
      at += ScorecardText.ANY.length();
      return Pattern.ANY;
    }
    int end = at;
    while (end < text.length() && Character.isLetter(text.codePointAt(end))) {
      end += Character.charCount(text.codePointAt(end));
    }
    if (end == at) {
      throw expected("a word or a quoted token");
    }
    int begin = at;
    at = end;
    return named(" " + text.substring(begin, end), begin);
  }

  /** The token with a text; one that there is not is told. */
  private int named(String token, int begin) {
    int id = names.idOf(token);
    if (id == TokenNames.UNKNOWN) {
      unknown.accept(new UnknownToken(begin + 1, token));
    }
    return id;
  }

  /** The token whose opening quote has been taken. */
  private int quoted() {
    int begin = at - 1;
    StringBuilder name = new StringBuilder();
    int numbered = -1;
    while (!skip('\'')) {
      if (at >= text.length()) {
        at = begin;
        throw expected("a closing quote for the one that opens here");
      }
      char c = text.charAt(at++);
      if (c != '\\') {
        name.append(c);
      } else if (at < text.length() && text.charAt(at) == '#') {
        numbered = tokenNumber();
      } else {
        escaped(name);
      }
    }
    if (numbered >= 0 && numbered < names.size()) {
      return numbered;
    }
    return named(numbered >= 0 ? "\\#" + numbered + ";" : name.toString(), begin);
  }

  private boolean skip(char wanted) {
    if (at < text.length() && text.charAt(at) == wanted) {
      at++;
      return true;
    }
    return false;
  }

  private int tokenNumber() {
    int end = text.indexOf(';', at);
    try {
      int number = Integer.parseInt(text.substring(at + 1, Math.max(at + 1, end)));
      at = end + 1;
      return number;
    } catch (NumberFormatException notANumber) {
      throw (PalimpsestException) expected("\\#, a token number and ';'").initCause(notANumber);
    }
  }

  private void escaped(StringBuilder into) {
    char c = at < text.length() ? text.charAt(at++) : '\0';
    switch (c) {
      case 'n' -> into.append('\n');
      case 't' -> into.append('\t');
      case 'r' -> into.append('\r');
      case '\'', '\\' -> into.append(c);
      case 'u' -> codePoint(into);
      default -> {
        at--;
        throw expected("one of n t r u ' \\ # after the backslash");
      }
    }
  }

  private void codePoint(StringBuilder into) {
    int close = text.indexOf('}', at);
    try {
      if (close < 0 || text.charAt(at) != '{') {
        throw expected("a code point in braces");
      }
      into.appendCodePoint(Integer.parseInt(text.substring(at + 1, close), 16));
      at = close + 1;
    } catch (IllegalArgumentException notAPoint) {
      throw (PalimpsestException) expected("a code point in braces").initCause(notAPoint);
    }
  }

  /** The complaint that something else stands here. */
  PalimpsestException expected(String what) {
    String found = at >= text.length() ? "the end" : "\"" + excerpt() + "\"";
    return new PalimpsestException(
        "explanation, character " + (at + 1) + ": found " + found + ", expected " + what);
  }

  private String excerpt() {
    String rest = text.substring(at, Math.min(text.length(), at + 20));
    return rest.replaceAll("\\p{C}", "?");
  }

  private void skipSpace() {
    while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
      at++;
    }
  }

  private static boolean isSign(char c) {
    return c == '-' || c == '+';
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }
}
