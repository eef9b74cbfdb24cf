package dev.palimpsest.lexical;

import dev.palimpsest.text.TokenNames;

/**
 * How the controlled English spells single tokens, reversibly: a space and letters as the bare word
 * ({@code dog}), letters without a space after a hyphen ({@code -ing}), words that the grammar uses
 * itself in quotes ({@code 'after'}), and all else in quotes exactly as {@link TokenNames} spells
 * it ({@code '.'}).
 */
final class TokenWords {
  private TokenWords() {}

  static String write(int token, TokenNames names) {
    String name = names.name(token);
    if (name.charAt(0) != '\'') {
      return English.isReserved(name) ? "'" + name + "'" : name;
    }
    String bare = name.substring(1, name.length() - 1);
    boolean letters = !bare.isEmpty() && bare.codePoints().allMatch(Character::isLetter);
    return letters ? "-" + bare : name;
  }

  /**
   * The token that a bare or quoted word stands for: with a space before it, where there is one.
   */
  static int ofWord(String word, TokenNames names) {
    return names.idOf(" " + word);
  }
}
