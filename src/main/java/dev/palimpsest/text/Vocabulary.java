package dev.palimpsest.text;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.PalimpsestException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The tokens of a {@code tokenizer.json} by id, as the file spells them and as they read in text.
 */
public final class Vocabulary {
  /** How a file spells bytes and blanks. */
  private enum Spelling {
    /** GPT-2's: every byte is one printable character. */
    BYTES,
    /** SentencePiece's: ▁ for a blank, {@code <0xE2>} for a byte. */
    SENTENCE_PIECE
  }

  /** GPT-2's printable stand-ins: the byte of a character, or -1. */
  private static final int[] BYTE_OF = byteOfCharacter();

  private static final byte[] NOTHING = {};

  private final @Nullable String[] raw;
  private final @Nullable String[] text;
  private final byte[][] bytes;
  private final Map<String, Integer> idOf = new HashMap<>();

  private Vocabulary(int size) {
    raw = new String[size];
    text = new String[size];
    bytes = new byte[size][];
    Arrays.fill(bytes, NOTHING);
  }

  static Vocabulary read(Path file, JsonNode root) {
    Map<Integer, String> tokens = new HashMap<>();
    JsonNode vocab = root.path("model").path("vocab");
    if (vocab.isObject()) {
      vocab.properties().forEach(entry -> put(file, tokens, entry.getValue(), entry.getKey()));
    } else {
      for (int id = 0; id < vocab.size(); id++) {
        tokens.put(id, vocab.get(id).path(0).asText());
      }
    }
    Map<Integer, String> added = new HashMap<>();
    root.path("added_tokens")
        .forEach(token -> put(file, added, token.path("id"), token.path("content").asText()));
    tokens.putAll(added);
    if (tokens.isEmpty()) {
      throw new PalimpsestException(file + ": expected tokens in model.vocab, found none");
    }
    Spelling spelling =
        mentionsByteLevel(root.path("decoder")) || mentionsByteLevel(root.path("pre_tokenizer"))
            ? Spelling.BYTES
            : Spelling.SENTENCE_PIECE;
    Vocabulary vocabulary =
        new Vocabulary(tokens.keySet().stream().mapToInt(Integer::intValue).max().orElse(0) + 1);
    tokens.forEach(
        (id, token) -> {
          vocabulary.raw[id] = token;
          vocabulary.bytes[id] = added.containsKey(id) ? utf8(token) : bytes(token, spelling);
          vocabulary.idOf.put(token, id);
        });
    vocabulary.readTexts(spelling, added.keySet());
    return vocabulary;
  }

  /**
   * Gives every token its text. Where several stand for the same, the one that tokenizers write has
   * it, and the others read as the file spells them: added tokens come before those of the model
   * (as runs of blanks in GPT-NeoX's vocabulary), ordinary ones before bytes (with byte fallback,
   * as in Llama's, the full stop before {@code <0x2E>}).
   */
  private void readTexts(Spelling spelling, Set<Integer> added) {
    Set<String> taken = new HashSet<>();
    List<Integer> others = new ArrayList<>();
    for (int rank = 0; rank < 3; rank++) {
      for (int id = 0; id < raw.length; id++) {
        String token = raw[id];
        if (token != null && rank == (added.contains(id) ? 0 : isByte(token, spelling) ? 2 : 1)) {
          text[id] = rank == 0 ? token : decoded(bytes[id]);
          if (!taken.add(text[id])) {
            others.add(id);
          }
        }
      }
    }
    for (int id : others) {
      text[id] = taken.add(raw(id)) ? raw(id) : text[id];
    }
  }

  int size() {
    return raw.length;
  }

  OptionalInt idOf(String token) {
    Integer id = idOf.get(token);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /** The token that reads as this text, blanks included. */
  OptionalInt reading(String wanted) {
    for (int id = 0; id < text.length; id++) {
      if (wanted.equals(text[id])) {
        return OptionalInt.of(id);
      }
    }
    return OptionalInt.empty();
  }

  String raw(int id) {
    return at(raw, id);
  }

  String text(int id) {
    return at(text, id);
  }

  /** The bytes that a token stands for in text; none for an id without a token. */
  byte[] bytes(int id) {
    return id >= 0 && id < bytes.length ? bytes[id] : NOTHING;
  }

  private static String at(@Nullable String[] tokens, int id) {
    String token = id >= 0 && id < tokens.length ? tokens[id] : null;
    return token == null ? "<unused " + id + ">" : token;
  }

  private static void put(Path file, Map<Integer, String> tokens, JsonNode id, String token) {
    if (!id.canConvertToInt() || id.intValue() < 0 || id.intValue() > 1 << 26) {
      throw new PalimpsestException(
          file + ": token '" + token + "' has id " + id + ", expected a small whole number");
    }
    tokens.put(id.intValue(), token);
  }

  private static boolean mentionsByteLevel(JsonNode node) {
    if (node.path("type").asText().equals("ByteLevel")) {
      return true;
    }
    for (JsonNode child : node) {
      if (child.isContainerNode() && mentionsByteLevel(child)) {
        return true;
      }
    }
    return false;
  }

  private static boolean isByte(String token, Spelling spelling) {
    return spelling == Spelling.SENTENCE_PIECE && byteToken(token) >= 0;
  }

  private static byte[] bytes(String token, Spelling spelling) {
    return switch (spelling) {
      case BYTES -> ofPrintable(token);
      case SENTENCE_PIECE -> {
        int value = byteToken(token);
        yield value >= 0 ? new byte[] {(byte) value} : utf8(token.replace('\u2581', ' '));
      }
    };
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** The value of a token such as {@code <0x0A>}, or -1. */
  private static int byteToken(String token) {
    if (token.length() != 6 || !token.startsWith("<0x") || !token.endsWith(">")) {
      return -1;
    }
    int high = Character.digit(token.charAt(3), 16);
    int low = Character.digit(token.charAt(4), 16);
    return high < 0 || low < 0 ? -1 : 16 * high + low;
  }

  private static byte[] ofPrintable(String token) {
    byte[] bytes = new byte[token.length()];
    for (int i = 0; i < bytes.length; i++) {
      char c = token.charAt(i);
      if (c >= BYTE_OF.length || BYTE_OF[c] < 0) {
        return utf8(token);
      }
      bytes[i] = (byte) BYTE_OF[c];
    }
    return bytes;
  }

  /** UTF-8, with every byte that belongs to no whole character written out as {@code <0xE2>}. */
  private static String decoded(byte[] bytes) {
    StringBuilder text = new StringBuilder();
    int at = 0;
    while (at < bytes.length) {
      int length = sequenceLength(bytes[at]);
      if (length > 0 && at + length <= bytes.length) {
        try {
          text.append(
              StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, at, length)));
          at += length;
          continue;
        } catch (CharacterCodingException notWhole) {
          // Written out below, byte by byte.
        }
      }
      text.append(String.format("<0x%02X>", bytes[at++] & 0xFF));
    }
    return text.toString();
  }

  /** How many bytes a UTF-8 character that begins so has; 0 where none begins so. */
  private static int sequenceLength(byte first) {
    int value = first & 0xFF;
    if (value < 0x80) {
      return 1;
    }
    if (value < 0xC2 || value > 0xF4) {
      return 0;
    }
    return value < 0xE0 ? 2 : value < 0xF0 ? 3 : 4;
  }

  /**
   * Printable Latin-1 characters stand for themselves, the other bytes for 256, 257, … in order.
   */
  private static int[] byteOfCharacter() {
    int[] byteOf = new int[512];
    Arrays.fill(byteOf, -1);
    int next = 256;
    for (int value = 0; value < 256; value++) {
      boolean printable =
          (value >= '!' && value <= '~')
              || (value >= 0xA1 && value <= 0xAC)
              || (value >= 0xAE && value <= 0xFF);
      byteOf[printable ? value : next++] = value;
    }
    return byteOf;
  }
}
