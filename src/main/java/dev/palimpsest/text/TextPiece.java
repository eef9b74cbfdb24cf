package dev.palimpsest.text;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A piece of text, of one token, or of several that are whole characters only together.
 *
 * @param text as it reads
 * @param from the place of its first token
 * @param to the place after its last
 */
public record TextPiece(String text, int from, int to) {
  /**
   * Tokens that are tried together: a character has four bytes, and may begin or end amid others.
   */
  private static final int MOST = 8;

  static List<TextPiece> of(int[] ids, Vocabulary vocabulary) {
    List<TextPiece> pieces = new ArrayList<>();
    for (int from = 0; from < ids.length; ) {
      TextPiece piece = at(from, ids, vocabulary);
      pieces.add(piece);
      from = piece.to;
    }
    return pieces;
  }

  private static TextPiece at(int from, int[] ids, Vocabulary vocabulary) {
    TextPiece alone = new TextPiece(vocabulary.text(ids[from]), from, from + 1);
    ByteArrayOutputStream joined = new ByteArrayOutputStream();
    for (int to = from + 1; to <= Math.min(ids.length, from + MOST); to++) {
      joined.writeBytes(vocabulary.bytes(ids[to - 1]));
      Optional<String> whole = decoded(joined.toByteArray());
      if (whole.isPresent()) {
        return to == from + 1 ? alone : new TextPiece(whole.get(), from, to);
      }
    }
    return alone;
  }

  private static Optional<String> decoded(byte[] bytes) {
    try {
      return Optional.of(
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString());
    } catch (CharacterCodingException notWhole) {
      return Optional.empty();
    }
  }
}
