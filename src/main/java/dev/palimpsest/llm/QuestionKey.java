package dev.palimpsest.llm;

import dev.palimpsest.base.Json;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a question is known by: 128 bits of SHA-256 over the respondent's identity, the prompt and
 * the settings.
 */
record QuestionKey(long high, long low) {
  static QuestionKey of(String identity, Question question) {
    Map<String, Object> asked = new LinkedHashMap<>();
    asked.put("respondent", identity);
    asked.put("kind", question.getClass().getSimpleName());
    asked.put("question", question);
    asked.put("prompt", question.prompt().getClass().getSimpleName());
    byte[] digest = sha256().digest(Json.line(asked).getBytes(StandardCharsets.UTF_8));
    ByteBuffer bits = ByteBuffer.wrap(digest);
    return new QuestionKey(bits.getLong(), bits.getLong());
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  /** 32 hexadecimal digits. */
  String text() {
    return HexFormat.of().toHexDigits(high) + HexFormat.of().toHexDigits(low);
  }

  /**
   * Reads {@link #text}.
   *
   * @throws IllegalArgumentException where it is not that
   */
  static QuestionKey parse(String text) {
    if (text.length() != 32) {
      throw new IllegalArgumentException("not 32 digits");
    }
    return new QuestionKey(
        HexFormat.fromHexDigitsToLong(text, 0, 16), HexFormat.fromHexDigitsToLong(text, 16, 32));
  }
}
