package dev.palimpsest.text;

/** Token ids of one file and where its documents begin and end, both memory-mapped. */
final class TokenFile {
  private final MappedFile tokens;
  private final TokenWidth width;
  private final DocumentIndex index;

  TokenFile(MappedFile tokens, TokenWidth width, DocumentIndex index) {
    this.tokens = tokens;
    this.width = width;
    this.index = index;
  }

  DocumentIndex index() {
    return index;
  }

  /** Copies tokens from place {@code from} of the file on. */
  void read(long from, int[] into, int offset, int count) {
    if (width == TokenWidth.U16) {
      for (int i = 0; i < count; i++) {
        into[offset + i] = tokens.unsignedShort(2 * (from + i));
      }
    } else {
      for (int i = 0; i < count; i++) {
        into[offset + i] = tokens.integer(4 * (from + i));
      }
    }
  }
}
