package dev.palimpsest.lexical;

/** What can be said of the place of a token without naming it. */
public enum Trait {
  /** Stands inside double quotes (an opening quote itself does not count, the closing one does). */
  QUOTED(0x1, "in quotes"),
  /**
   * First token of a sentence: the token before it ends one, or is a line break, or there is none.
   */
  FIRST(0x2, "at sentence starts"),
  /** Second to fourth token of a sentence. */
  EARLY(0x4, "early in sentences"),
  /** Thirteenth or later token of a sentence. */
  LATE(0x8, "late in sentences"),
  /** One of the first 16 tokens of a document whose boundary is in the context. */
  OPENING(0x10, "at story starts"),
  /** The same token stands earlier in the document, as far as the context shows. */
  SEEN(0x20, "if seen before"),
  /** The same token stands exactly once earlier in the document. */
  SECOND(0x40, "at second mentions"),
  /** The token before it was followed by this same token the last time. */
  REPEATING(0x80, "if it repeats what followed last time");

  private final int bit;
  private final String words;

  Trait(int bit, String words) {
    this.bit = bit;
    this.words = words;
  }

  /** How explanations spell it. */
  public String words() {
    return words;
  }

  /** Its place in a set of traits. */
  int bit() {
    return bit;
  }
}
