package dev.palimpsest.text;

/** How token ids are stored in a token file: unsigned, little-endian. */
public enum TokenWidth {
  /** Two bytes an id, for vocabularies of at most 65,536 tokens. */
  U16(2),
  /** Four bytes an id. */
  U32(4);

  private final int bytes;

  TokenWidth(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of one token id. */
  public int bytes() {
    return bytes;
  }

  /** The narrowest width that holds every id below {@code vocabularySize}. */
  public static TokenWidth forVocabulary(int vocabularySize) {
    return vocabularySize <= 1 << 16 ? U16 : U32;
  }
}
