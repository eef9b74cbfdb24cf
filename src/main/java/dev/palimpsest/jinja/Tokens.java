package dev.palimpsest.jinja;

import java.util.ArrayList;
import java.util.List;

/** The words of an expression or statement, read one after the other. */
final class Tokens {
  enum Kind {
    NAME,
    WHOLE,
    REAL,
    STRING,
    SIGN,
    END
  }

  /** A word; of a string its value. */
  record Token(Kind kind, String text) {}

  private static final List<String> LONG_SIGNS = List.of("**", "//", "==", "!=", "<=", ">=");
  private static final Token END = new Token(Kind.END, "the end");

  private final List<Token> tokens = new ArrayList<>();
  private int at;

  Tokens(String source) {
    int i = 0;
    while (i < source.length()) {
      char c = source.charAt(i);
      int start = i;
      if (Character.isWhitespace(c)) {
        i++;
      } else if (Character.isLetter(c) || c == '_') {
        while (i < source.length() && isNamePart(source.charAt(i))) {
          i++;
        }
        tokens.add(new Token(Kind.NAME, source.substring(start, i)));
      } else if (Character.isDigit(c)) {
        i = number(source, i);
      } else if (c == '\'' || c == '"') {
        i = string(source, i);
      } else {
        String sign =
            LONG_SIGNS.stream()
                .filter(two -> source.startsWith(two, start))
                .findFirst()
                .orElse(String.valueOf(c));
        if (sign.length() == 1 && "+-*/%~<>=()[]{}.,:|".indexOf(c) < 0) {
          throw new TemplateException("unexpected '" + c + "'");
        }
        tokens.add(new Token(Kind.SIGN, sign));
        i += sign.length();
      }
    }
  }

  private static boolean isNamePart(char c) {
    return Character.isLetterOrDigit(c) || c == '_';
  }

  private int number(String source, int from) {
    int i = from;
    while (i < source.length()
        && (Character.isDigit(source.charAt(i)) || source.charAt(i) == '_')) {
      i++;
    }
    boolean whole = true;
    if (i + 1 < source.length()
        && source.charAt(i) == '.'
        && Character.isDigit(source.charAt(i + 1))) {
      whole = false;
      i++;
      while (i < source.length() && Character.isDigit(source.charAt(i))) {
        i++;
      }
    }
    int exponent = source.startsWith("e", i) || source.startsWith("E", i) ? i + 1 : i;
    if (exponent > i && (source.startsWith("-", exponent) || source.startsWith("+", exponent))) {
      exponent++;
    }
    if (exponent > i && exponent < source.length() && Character.isDigit(source.charAt(exponent))) {
      whole = false;
      i = exponent;
      while (i < source.length() && Character.isDigit(source.charAt(i))) {
        i++;
      }
    }
    tokens.add(
        new Token(whole ? Kind.WHOLE : Kind.REAL, source.substring(from, i).replace("_", "")));
    return i;
  }

  private int string(String source, int from) {
    StringBuilder text = new StringBuilder();
    char quote = source.charAt(from);
    int i = from + 1;
    while (i < source.length() && source.charAt(i) != quote) {
      char c = source.charAt(i++);
      if (c == '\\' && i < source.length()) {
        i = escape(source, i, text);
      } else {
        text.append(c);
      }
    }
    if (i >= source.length()) {
      throw new TemplateException("a string that does not end");
    }
    tokens.add(new Token(Kind.STRING, text.toString()));
    return i + 1;
  }

  /** As Python reads what follows a backslash; returns where it ends. */
  private static int escape(String source, int at, StringBuilder text) {
    char c = source.charAt(at);
    int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits > 0) {
      try {
        text.appendCodePoint(Integer.parseInt(source.substring(at + 1, at + 1 + digits), 16));
        return at + 1 + digits;
      } catch (IllegalArgumentException | IndexOutOfBoundsException wrong) {
        throw new TemplateException("a string with a wrong \\" + c);
      }
    }
    switch (c) {
      case 'n' -> text.append('\n');
      case 't' -> text.append('\t');
      case 'r' -> text.append('\r');
      case '0' -> text.append('\0');
      case '\\', '\'', '"' -> text.append(c);
      case '\n' -> {} // the line goes on
      default -> text.append('\\').append(c);
    }
    return at + 1;
  }

  Token peek() {
    return at < tokens.size() ? tokens.get(at) : END;
  }

  Token next() {
    Token token = peek();
    at++;
    return token;
  }

  /** Whether the next word is this sign or, not in quotes, this name. */
  boolean isNext(String text) {
    Kind kind = peek().kind();
    return (kind == Kind.SIGN || kind == Kind.NAME) && peek().text().equals(text);
  }

  /** Whether the word after the next is this one. */
  boolean isSecond(String text) {
    return at + 1 < tokens.size() && tokens.get(at + 1).text().equals(text);
  }

  /** Takes the next word if it is this one. */
  boolean take(String text) {
    boolean there = isNext(text);
    at += there ? 1 : 0;
    return there;
  }

  void expect(String text) {
    if (!take(text)) {
      throw new TemplateException("expected '" + text + "', found '" + peek().text() + "'");
    }
  }

  String name() {
    if (peek().kind() != Kind.NAME) {
      throw new TemplateException("expected a name, found '" + peek().text() + "'");
    }
    return next().text();
  }

  void expectEnd() {
    if (peek().kind() != Kind.END) {
      throw new TemplateException("expected nothing more, found '" + peek().text() + "'");
    }
  }
}
