package dev.palimpsest.lexical;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.text.TokenNames;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Splits the controlled English into words, signs, numbers and items, from left to right. */
final class EnglishLexer {
  private final String text;
  private final Lexicon lexicon;
  private final TokenNames names;
  private final Consumer<UnknownToken> unknown;
  private int at;

  /**
   * @param unknown is told the names that no token has
   */
  EnglishLexer(String text, Lexicon lexicon, Consumer<UnknownToken> unknown) {
    this.text = text;
    this.lexicon = lexicon;
    this.names = lexicon.names();
    this.unknown = unknown;
    skipSpace();
  }

  boolean atEnd() {
    return at >= text.length();
  }

  boolean at(char sign) {
    return at < text.length() && text.charAt(at) == sign;
  }

  /** Takes a sign if it comes next, and the space behind it. */
  boolean take(char sign) {
    if (!at(sign)) {
      return false;
    }
    at++;
    skipSpace();
    return true;
  }

  /** The 0-based place of what comes next. */
  int place() {
    return at;
  }

  /** Goes back to a place. */
  void back(int place) {
    at = place;
  }

  /** Whether these words come next, whatever the case of their letters and the space between. */
  boolean sees(String words) {
    int before = at;
    boolean seen = accept(words);
    at = before;
    return seen;
  }

  /** Takes these words if they come next. */
  boolean accept(String words) {
    int before = at;
    for (String word : words.split(" ", -1)) {
      int end = at + word.length();
      if (!text.regionMatches(true, at, word, 0, word.length())
          || (end < text.length() && (isLetter(end) || text.charAt(end) == '-'))) {
        at = before;
        return false;
      }
      at = end;
      skipSpace();
    }
    return true;
  }

  void end() {
    if (!atEnd()) {
      throw expected("the end");
    }
  }

  boolean atDigit() {
    return at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9';
  }

  /** A whole number with or without sign. */
  int number(int most) {
    int begin = at;
    boolean negative = at('-');
    if (negative || at('+')) {
      at++;
    }
    int value = 0;
    int digits = 0;
    while (atDigit() && value <= most) {
      value = 10 * value + (text.charAt(at++) - '0');
      digits++;
    }
    if (digits == 0 || value > most) {
      at = begin;
      throw expected("a whole number of at most " + most);
    }
    skipSpace();
    return negative ? -value : value;
  }

  /** Symbols in a row, up to a comma or a word of the grammar. */
  List<Integer> item() {
    int begin = at;
    List<Integer> symbols = new ArrayList<>();
    do {
      symbols.add(symbol());
    } while (atSymbol());
    if (symbols.get(symbols.size() - 1) == Pattern.ANY) {
      at = begin;
      throw expected("a sequence that does not end in " + English.ANY);
    }
    return symbols;
  }

  /** Whether a symbol comes next, rather than a sign or a word of the grammar. */
  boolean atSymbol() {
    if (atEnd()) {
      return false;
    }
    if (at('\'') || at('-') || any() > 0 || sees(English.FORMS) || sees("form of")) {
      return true;
    }
    int end = wordEnd(at);
    String word = text.substring(at, end);
    return end > at
        && (lexicon.kind(word) >= 0 || !English.isReserved(word) || text.startsWith("-", end));
  }

  /** One symbol, and the space behind it. */
  int symbol() {
    int any = any();
    if (any > 0) {
      at += any;
      skipSpace();
      return Pattern.ANY;
    }
    int before = at;
    if (accept("any") || accept("all") || accept("every") || before == at) {
      if (accept(English.FORMS) || accept("form of")) {
        return lexeme();
      }
    }
    at = before;
    int end = wordEnd(at);
    String word = text.substring(at, end);
    if (end > at && text.startsWith(English.LIKE, end)) {
      at = end + English.LIKE.length();
      accept("words");
      accept("word");
      skipSpace();
      return named(lexicon.wordClass(word), word + English.LIKE, before);
    }
    if (lexicon.kind(word) >= 0) {
      at = end;
      skipSpace();
      return lexicon.kind(word);
    }
    return token();
  }

  private int lexeme() {
    int begin = at;
    boolean quoted = at('\'');
    at += quoted ? 1 : 0;
    int from = at;
    at = wordEnd(at);
    String base = text.substring(from, at);
    if (base.isEmpty() || (quoted && !at('\''))) {
      at = begin;
      throw expected("the word whose forms are meant");
    }
    at += quoted ? 1 : 0;
    skipSpace();
    int forms = lexicon.lexeme(base);
    return forms >= 0 ? forms : named(TokenWords.ofWord(base, names), " " + base, begin);
  }

  /** One token, and the space behind it. */
  int token() {
    int begin = at;
    if (at('\'')) {
      String name = QuotedToken.end(text, at, this::expectedAt);
      at += name.length();
      skipSpace();
      QuotedToken quoted = QuotedToken.read(name, begin, this::expectedAt);
      if (quoted.number() >= 0 && quoted.number() < names.size()) {
        return quoted.number();
      }
      boolean word =
          !quoted.text().isEmpty() && quoted.text().codePoints().allMatch(Character::isLetter);
      return word
          ? named(TokenWords.ofWord(quoted.text(), names), " " + quoted.text(), begin)
          : named(names.idOf(quoted.text()), quoted.text(), begin);
    }
    boolean piece = at('-');
    int from = piece ? at + 1 : at;
    int end = wordEnd(from);
    String word = text.substring(from, end);
    if (end == from || (!piece && English.isReserved(word))) {
      throw expected("a word, a quoted token, a class such as 'dog-like', or 'forms of' a word");
    }
    at = end;
    skipSpace();
    String token = piece ? word : " " + word;
    return named(names.idOf(token), token, begin);
  }

  /** The symbol; one that there is not is told. */
  private int named(int symbol, String wanted, int begin) {
    if (symbol < 0) {
      unknown.accept(new UnknownToken(begin + 1, wanted));
      return TokenNames.UNKNOWN;
    }
    return symbol;
  }

  /** Characters of "any one token" at this place, or 0. */
  private int any() {
    if (text.startsWith(English.ANY, at)) {
      return English.ANY.length();
    }
    return English.OTHER_ANY.stream()
        .filter(other -> text.startsWith(other, at))
        .mapToInt(String::length)
        .findFirst()
        .orElse(0);
  }

  /** The complaint that something else stands here. */
  PalimpsestException expected(String what) {
    return expectedAt(at, what);
  }

  private PalimpsestException expectedAt(int place, String what) {
    String rest = text.substring(place, Math.min(text.length(), place + 20));
    String found = rest.isEmpty() ? "the end" : "\"" + rest.replaceAll("\\p{C}", "?") + "\"";
    return new PalimpsestException(
        "explanation, character " + (place + 1) + ": found " + found + ", expected " + what);
  }

  /** The word that comes next, however it may be meant; empty where there is none. */
  String word() {
    return text.substring(at, wordEnd(at));
  }

  private int wordEnd(int from) {
    int end = from;
    while (end < text.length() && isLetter(end)) {
      end += Character.charCount(text.codePointAt(end));
    }
    return end;
  }

  private boolean isLetter(int place) {
    return Character.isLetter(text.codePointAt(place));
  }

  private void skipSpace() {
    while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
      at++;
    }
  }
}
