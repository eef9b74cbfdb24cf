package dev.palimpsest.lexical;

import dev.palimpsest.text.TokenNames;

/** What tokens can have in common by their spelling alone. */
public enum WordKind {
  /** Begins with a capital letter. */
  CAPITALS,
  /** A piece that continues a word: letters without a space before them. */
  PIECES,
  /** Has neither letter nor digit. */
  PUNCTUATION,
  /** Begins with a digit. */
  NUMBERS;

  /** How explanations spell it. */
  public String word() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }

  /** Whether a token is of the kind. */
  boolean has(int token, TokenNames names) {
    if (names.boundary().orElse(TokenNames.UNKNOWN) == token) {
      return false;
    }
    String text = names.text(token);
    String word = text.strip();
    if (word.isEmpty()) {
      return this == PUNCTUATION;
    }
    return switch (this) {
      case CAPITALS -> Character.isUpperCase(word.codePointAt(0));
      case PIECES -> Character.isLowerCase(text.codePointAt(0));
      case PUNCTUATION -> word.codePoints().noneMatch(Character::isLetterOrDigit);
      case NUMBERS -> Character.isDigit(word.codePointAt(0));
    };
  }
}
