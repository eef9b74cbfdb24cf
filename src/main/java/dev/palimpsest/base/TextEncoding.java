package dev.palimpsest.base;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;

/** What the bytes of a text are, where they are not the UTF-8 that is expected everywhere. */
final class TextEncoding {
  /** Bytes looked at. */
  static final int SAMPLE = 1024;

  private TextEncoding() {}

  /**
   * An encoding other than UTF-8 that shows in a file's first bytes: a byte-order mark, or every
   * second byte zero, as in UTF-16 of European text.
   *
   * @param bytes the beginning of a file, at most {@link #SAMPLE} of them are looked at
   * @param count how many there are
   * @return the encoding's name for people
   */
  static Optional<String> foreign(byte[] bytes, int count) {
    int first = at(bytes, count, 0);
    int second = at(bytes, count, 1);
    boolean zeros = at(bytes, count, 2) == 0 && at(bytes, count, 3) == 0;
    if (first == 0xFF && second == 0xFE) {
      return Optional.of(zeros && count > 3 ? "UTF-32 (little-endian)" : "UTF-16 (little-endian)");
    }
    if (first == 0xFE && second == 0xFF) {
      return Optional.of("UTF-16 (big-endian)");
    }
    if (first == 0 && second == 0 && at(bytes, count, 2) == 0xFE && at(bytes, count, 3) == 0xFF) {
      return Optional.of("UTF-32 (big-endian)");
    }
    int[] zero = new int[2];
    int looked = Math.min(count, SAMPLE) & ~1;
    for (int i = 0; i < looked; i++) {
      zero[i & 1] += bytes[i] == 0 ? 1 : 0;
    }
    // Four pairs at least, nine in ten with a zero on the one side, none on the other.
    if (looked >= 8 && zero[0] == 0 && 20 * zero[1] >= 9 * looked) {
      return Optional.of("UTF-16 (little-endian, without a mark)");
    }
    if (looked >= 8 && zero[1] == 0 && 20 * zero[0] >= 9 * looked) {
      return Optional.of("UTF-16 (big-endian, without a mark)");
    }
    return Optional.empty();
  }

  /**
   * What a line seems to be that is not UTF-8.
   *
   * @param bytes which hold at least one byte of 0x80 or above
   */
  static String seems(byte[] bytes, int from, int to) {
    boolean windows = false;
    for (int i = from; i < to; i++) {
      int value = bytes[i] & 0xFF;
      if (value < 0x20 && value != '\t' && value != '\n' && value != '\r' && value != '\f') {
        return "binary data";
      }
      windows |= value >= 0x80 && value < 0xA0;
    }
    return windows ? "Windows-1252" : "Latin-1 (ISO 8859-1)";
  }

  private static int at(byte[] bytes, int count, int index) {
    return index < count ? bytes[index] & 0xFF : -1;
  }

  /**
   * What is wrong with bytes that should be UTF-8, as a sentence for messages; empty where nothing
   * is.
   */
  static Optional<String> fault(byte[] bytes) {
    Optional<String> foreign = foreign(bytes, bytes.length);
    if (foreign.isPresent()) {
      return Optional.of(foreign.get() + " text, expected UTF-8; iconv converts it");
    }
    ByteBuffer text = ByteBuffer.wrap(bytes);
    try {
      StandardCharsets.UTF_8.newDecoder().decode(text);
      return Optional.empty();
    } catch (CharacterCodingException failure) {
      int bad = text.position();
      return Optional.of(
          String.format(
              Locale.ROOT,
              "not UTF-8 text at its byte %,d (0x%02X), seems to be %s; iconv converts it",
              bad + 1,
              bytes[bad] & 0xFF,
              seems(bytes, 0, bytes.length)));
    }
  }
}
