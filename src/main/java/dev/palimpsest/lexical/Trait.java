package dev.palimpsest.lexical;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * What can be said of a token without naming it: how it is spelt, and where in its sentence it
 * stands.
 */
public enum Trait {
  /** Its first letter is a capital. */
  CAPITAL(0x1, true),
  /** A piece that continues a word: letters without a space before them. */
  PIECE(0x2, true),
  /** Has neither letter nor digit. */
  PUNCTUATION(0x4, true),
  /** Begins with a digit. */
  NUMBER(0x8, true),
  /** Stands inside double quotes (an opening quote itself does not count, the closing one does). */
  QUOTED(0x10, false),
  /**
   * First token of a sentence: the token before it ends one, or is a line break, or there is none.
   */
  FIRST(0x20, false),
  /** Second to fourth token of a sentence. */
  EARLY(0x40, false),
  /** Thirteenth or later token of a sentence. */
  LATE(0x80, false),
  /** One of the first 16 tokens of a document whose boundary is in the context. */
  OPENING(0x100, false);

  private final int bit;
  private final boolean spelling;

  Trait(int bit, boolean spelling) {
    this.bit = bit;
    this.spelling = spelling;
  }

  /** Whether it depends on the token alone. */
  boolean isSpelling() {
    return spelling;
  }

  /** How explanations spell it. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The trait spelt so. */
  static Optional<Trait> spelt(String word) {
    return Arrays.stream(values()).filter(trait -> trait.word().equals(word)).findFirst();
  }

  /** Its place in a set of traits. */
  int bit() {
    return bit;
  }
}
