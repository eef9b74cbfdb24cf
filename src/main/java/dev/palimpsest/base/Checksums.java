package dev.palimpsest.base;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.OptionalInt;
import java.util.zip.CRC32C;

/**
 * Checksums inside the files they cover, so that a flipped bit is noticed before anything is
 * computed with it.
 *
 * <p>The form is the same for every kind of file: JSON text holds, once, the key {@value #KEY} with
 * eight hexadecimal digits as its value; they are the CRC-32C of all bytes of the file with those
 * digits as zeros. In a safetensors file the key stands in {@code __metadata__}, where other
 * programs pass over it; in an object of JSON it is the last key; in JSON Lines it is the last
 * line.
 *
 * <p>CRC-32C finds every damage of up to 32 consecutive bits and all but 2^-32 of the rest, and
 * takes a processor well under a second a gigabyte. It is no protection against intent: whoever can
 * change the file can change the digits.
 */
public final class Checksums {
  /** The JSON key of the digits. */
  public static final String KEY = "crc32c";

  /** What stands in the digits' place while the sum is taken. */
  public static final String BLANK = "00000000";

  private static final byte[] QUOTED_KEY = ("\"" + KEY + "\"").getBytes(StandardCharsets.US_ASCII);

  private Checksums() {}

  /** The digits of a sum. */
  public static String digits(CRC32C sum) {
    return HexFormat.of().toHexDigits((int) sum.getValue());
  }

  /**
   * Where the digits are in some JSON.
   *
   * @param json the bytes; the last {@code "crc32c": "xxxxxxxx"} in them counts
   * @return the offset of the first digit; empty where there are none
   */
  public static OptionalInt place(byte[] json) {
    for (int at = json.length - QUOTED_KEY.length; at >= 0; at--) {
      if (json[at] == '"'
          && Arrays.equals(json, at, at + QUOTED_KEY.length, QUOTED_KEY, 0, QUOTED_KEY.length)) {
        return digitsAfter(json, at + QUOTED_KEY.length);
      }
    }
    return OptionalInt.empty();
  }

  private static OptionalInt digitsAfter(byte[] json, int from) {
    int at = from;
    while (at < json.length && (json[at] == ' ' || json[at] == ':')) {
      at++;
    }
    int first = at + 1;
    int last = first + BLANK.length();
    if (last >= json.length || json[at] != '"' || json[last] != '"') {
      return OptionalInt.empty();
    }
    for (int i = first; i < last; i++) {
      if (!HexFormat.isHexDigit(json[i])) {
        return OptionalInt.empty();
      }
    }
    return OptionalInt.of(first);
  }

  /**
   * Adds bytes to a sum, those of the digits as zeros.
   *
   * @param place as {@link #place}
   */
  public static void update(CRC32C sum, byte[] json, int place) {
    sum.update(json, 0, place);
    sum.update(BLANK.getBytes(StandardCharsets.US_ASCII));
    sum.update(json, place + BLANK.length(), json.length - place - BLANK.length());
  }

  /** The digits as they stand at a place. */
  public static String found(byte[] json, int place) {
    return new String(json, place, BLANK.length(), StandardCharsets.US_ASCII);
  }

  /**
   * Fills the digits in.
   *
   * @param json has the key with {@value #BLANK}; changed in place
   * @return {@code json}
   */
  public static byte[] seal(byte[] json) {
    int place = place(json).orElseThrow(() -> new IllegalArgumentException("no place for a sum"));
    CRC32C sum = new CRC32C();
    update(sum, json, place);
    put(json, place, digits(sum));
    return json;
  }

  /** Writes digits over those at a place. */
  public static void put(byte[] json, int place, String digits) {
    ByteBuffer.wrap(json).position(place).put(digits.getBytes(StandardCharsets.US_ASCII));
  }
}
