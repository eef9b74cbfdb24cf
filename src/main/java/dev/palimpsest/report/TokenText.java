package dev.palimpsest.report;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Untrusted token text made safe to look at: what is invisible, would reorder its neighbours or is
 * not a character at all is replaced by a visible sign. Markup is not escaped here; that is the
 * template's work.
 */
public final class TokenText {
  /** Names of bytes in a row, each perhaps quoted as a token of its own. */
  private static final Pattern BYTES =
      Pattern.compile("<0x[0-9A-F]{2}>(?:(?:'\\|')?<0x[0-9A-F]{2}>)*");

  private static final char REPLACEMENT = '\uFFFD';

  private TokenText() {}

  /**
   * The text with signs for newlines (↵), tabs (⇥), other control characters (their control
   * pictures), invisible and direction-changing format characters (⟨U+202E⟩) and lone surrogates
   * (U+FFFD). Spaces stay.
   */
  public static String visible(String text) {
    StringBuilder out = new StringBuilder(text.length() + 8);
    int i = 0;
    while (i < text.length()) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      append(out, c);
    }
    return out.toString();
  }

  /**
   * As {@link #visible}, and a space at either end becomes ␣: for tokens that stand alone, in
   * lists.
   */
  public static String alone(String text) {
    String shown = visible(text);
    int start = 0;
    int end = shown.length();
    while (start < end && shown.charAt(start) == ' ') {
      start++;
    }
    while (end > start && shown.charAt(end - 1) == ' ') {
      end--;
    }
    return "␣".repeat(start) + shown.substring(start, end) + "␣".repeat(shown.length() - end);
  }

  /**
   * As {@link #visible}, but lines stay lines, and bytes in a row that are whole characters
   * together stand as these, {@code '<0xE2>'|'<0x82>'|'<0xAC>'} as {@code '€'}: for prose.
   */
  public static String prose(String text) {
    return joined(text).lines().map(TokenText::visible).collect(Collectors.joining("\n"));
  }

  private static String joined(String text) {
    return BYTES
        .matcher(text)
        .replaceAll(
            run ->
                Matcher.quoteReplacement(
                    decoded(run.group().replaceAll("<0x|>|'\\|'", "")).orElse(run.group())));
  }

  /**
   * The characters beyond ASCII of bytes in hexadecimal; empty where they are none, or not whole.
   */
  private static Optional<String> decoded(String hexadecimal) {
    byte[] bytes = HexFormat.of().parseHex(hexadecimal);
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      return text.chars().allMatch(c -> c >= 0x80) ? Optional.of(text) : Optional.empty();
    } catch (CharacterCodingException notWhole) {
      return Optional.empty();
    }
  }

  /** Whether most letters of the text are written from right to left. */
  public static boolean rightToLeft(String text) {
    int balance = 0;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      switch (Character.getDirectionality(c)) {
        case Character.DIRECTIONALITY_RIGHT_TO_LEFT,
            Character.DIRECTIONALITY_RIGHT_TO_LEFT_ARABIC ->
            balance++;
        case Character.DIRECTIONALITY_LEFT_TO_RIGHT -> balance--;
        default -> {}
      }
    }
    return balance > 0;
  }

  private static void append(StringBuilder out, int c) {
    if (c == '\n') {
      out.append('↵');
    } else if (c == '\t') {
      out.append('⇥');
    } else if (c < 0x20) {
      out.append((char) (0x2400 + c));
    } else if (c == 0x7F) {
      out.append('\u2421');
    } else if (c >= 0xD800 && c <= 0xDFFF) {
      out.append(REPLACEMENT);
    } else if (isInvisible(c)) {
      out.append("⟨U+").append(String.format(java.util.Locale.ROOT, "%04X", c)).append('⟩');
    } else {
      out.appendCodePoint(c);
    }
  }

  /**
   * C1 controls, format characters (zero width, bidirectional overrides, tags), separators,
   * non-characters.
   */
  private static boolean isInvisible(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.PRIVATE_USE ->
          true;
      default -> (c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF);
    };
  }
}
