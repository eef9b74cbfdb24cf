package dev.palimpsest.lexical;

import dev.palimpsest.text.TokenNames;

/**
 * Finds the traits of every token of a context; what depends on the token alone is computed once
 * per vocabulary.
 */
final class TraitReader {
  private static final int EARLY_UNTIL = 4;
  private static final int LATE_FROM = 13;
  private static final int OPENING_TOKENS = 16;

  private final int[] spelling;
  private final boolean[] endsSentence;
  private final boolean[] oddQuotes;
  private final int boundary;

  TraitReader(TokenNames names) {
    spelling = new int[names.size()];
    endsSentence = new boolean[names.size()];
    oddQuotes = new boolean[names.size()];
    boundary = names.boundary().orElse(TokenNames.UNKNOWN);
    for (int id = 0; id < names.size(); id++) {
      String text = names.text(id);
      spelling[id] = id == boundary ? 0 : spelling(text);
      endsSentence[id] =
          id == boundary
              || text.chars().anyMatch(c -> c == '.' || c == '!' || c == '?' || c == '\n');
      oddQuotes[id] =
          (text.chars().filter(c -> c == '"' || c == '\u201C' || c == '\u201D').count() & 1) == 1;
    }
  }

  private static int spelling(String text) {
    String word = text.strip();
    if (word.isEmpty()) {
      return Trait.PUNCTUATION.bit();
    }
    int bits = 0;
    if (Character.isUpperCase(word.codePointAt(0))) {
      bits |= Trait.CAPITAL.bit();
    }
    if (Character.isDigit(word.codePointAt(0))) {
      bits |= Trait.NUMBER.bit();
    }
    if (Character.isLowerCase(text.codePointAt(0))) {
      bits |= Trait.PIECE.bit();
    }
    if (word.codePoints().noneMatch(Character::isLetterOrDigit)) {
      bits |= Trait.PUNCTUATION.bit();
    }
    return bits;
  }

  /**
   * @param context token ids
   * @return [context.length] sets of {@link Trait#bit()}
   */
  int[] read(int[] context) {
    int[] traits = new int[context.length];
    boolean quoted = false;
    int inSentence = 0;
    int inDocument = OPENING_TOKENS;
    for (int p = 0; p < context.length; p++) {
      int token = context[p];
      if (token == boundary) {
        quoted = false;
        inSentence = 0;
        inDocument = 0;
        continue;
      }
      int bits = spelling[token];
      inSentence++;
      bits |= inSentence == 1 ? Trait.FIRST.bit() : 0;
      bits |= inSentence > 1 && inSentence <= EARLY_UNTIL ? Trait.EARLY.bit() : 0;
      bits |= inSentence >= LATE_FROM ? Trait.LATE.bit() : 0;
      bits |= quoted ? Trait.QUOTED.bit() : 0;
      bits |= inDocument < OPENING_TOKENS ? Trait.OPENING.bit() : 0;
      traits[p] = bits;
      inDocument++;
      quoted ^= oddQuotes[token];
      if (endsSentence[token]) {
        inSentence = 0;
      }
    }
    return traits;
  }
}
