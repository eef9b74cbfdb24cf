package dev.palimpsest.text;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Quoted;
import java.nio.file.Path;
import java.util.Map;

/**
 * A {@code tokenizer.json}, checked before native code sees it: the tokenizers' library answers
 * some faults by ending the process, which no caller can catch.
 *
 * <p>What is checked everywhere: numbers are finite and fit 64 bits, strings are well-formed
 * Unicode, nesting is shallow, and regular expressions cannot blow up ({@link RegexCost}). What is
 * checked of the parts: the types and sizes that the library relies on without looking ({@link
 * TokenizerParts}).
 *
 * @param bytes the file, as read once
 * @param root its content
 * @param backtracks whether a pattern steps back through the text, which bounds how long a run of
 *     like characters may be
 */
@SuppressWarnings("ArrayRecordComponent") // handed on once, never compared
record TokenizerFile(byte[] bytes, JsonNode root, boolean backtracks) {
  private static final int DEEPEST = 60;

  /**
   * Reads and checks a file.
   *
   * @throws PalimpsestException naming the file, the key, what was found and what was expected
   */
  static TokenizerFile read(Path file) {
    byte[] bytes = Json.bytes(file);
    JsonNode root = Json.parse(file, bytes, JsonNode.class);
    if (!root.isObject()) {
      throw new PalimpsestException(file + ": expected a JSON object");
    }
    boolean backtracks = new Walk(file).check(root, "", 0);
    new TokenizerParts(file, root).check();
    return new TokenizerFile(bytes, root, backtracks);
  }

  /** Checks every value. */
  private record Walk(Path file) {
    /** Returns whether a pattern in it backtracks. */
    boolean check(JsonNode node, String key, int depth) {
      if (depth > DEEPEST) {
        throw new PalimpsestException(
            file + ": '" + Quoted.of(key) + "' is nested deeper than " + DEEPEST + " levels");
      }
      boolean backtracks = false;
      if (node.isObject()) {
        for (Map.Entry<String, JsonNode> entry : node.properties()) {
          requireUnicode(entry.getKey(), key);
          String inner = key.isEmpty() ? entry.getKey() : key + "." + entry.getKey();
          backtracks |= check(entry.getValue(), inner, depth + 1);
          if (entry.getKey().equals("Regex") && entry.getValue().isTextual()) {
            backtracks |= checkPattern(entry.getValue().textValue(), inner);
          }
        }
      } else if (node.isArray()) {
        for (JsonNode each : node) {
          backtracks |= check(each, key, depth + 1);
        }
      } else if (node.isTextual()) {
        requireUnicode(node.textValue(), key);
      } else if (node.isNumber()) {
        requireUsual(node, key);
      }
      return backtracks;
    }

    private void requireUsual(JsonNode number, String key) {
      boolean usual =
          number.isIntegralNumber()
              ? number.canConvertToLong()
              : Double.isFinite(number.asDouble());
      if (!usual) {
        throw new PalimpsestException(
            file
                + ": '"
                + Quoted.of(key)
                + "' is the number "
                + Quoted.of(number.asText())
                + ", beyond what a tokenizer can hold");
      }
    }

    private void requireUnicode(String text, String key) {
      for (int i = 0; i < text.length(); i++) {
        if (!Character.isSurrogate(text.charAt(i))) {
          continue;
        }
        if (i + 1 < text.length()
            && Character.isSurrogatePair(text.charAt(i), text.charAt(i + 1))) {
          i++;
        } else {
          throw new PalimpsestException(
              file
                  + ": '"
                  + Quoted.of(key)
                  + "' has the string '"
                  + Quoted.of(text)
                  + "' with half a surrogate pair, which is no Unicode text");
        }
      }
    }

    private boolean checkPattern(String pattern, String key) {
      try {
        return RegexCost.of(pattern).unbounded() > 0;
      } catch (RegexParser.Refusal refusal) {
        throw new PalimpsestException(
            file
                + ": '"
                + Quoted.of(key)
                + "' is the pattern '"
                + Quoted.of(pattern)
                + "', which is refused, as a search might never end: "
                + refusal.getMessage(),
            refusal);
      }
    }
  }
}
