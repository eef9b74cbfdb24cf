package dev.palimpsest.text;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Quoted;
import dev.palimpsest.base.UsageException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Supplier;

/**
 * Text to token ids and back, by {@code tokenizer.json}: whole texts (never truncated), without
 * added special tokens. Safe for concurrent use.
 */
public final class Tokenizer implements AutoCloseable {
  static {
    // DJL would otherwise ask the network for a CUDA build of its library where it sees a GPU.
    if (System.getProperty("ai.djl.offline") == null) {
      System.setProperty("ai.djl.offline", "true");
    }
  }

  /**
   * How long a run of blanks, or of anything else, may be where a pattern steps back through it:
   * the library ends the process at ten million steps, and a pattern that is let in needs up to
   * eight a character.
   */
  private static final int LONGEST_RUN = 1_000_000;

  private final HuggingFaceTokenizer tokenizer;
  private final boolean backtracks;
  private final Vocabulary vocabulary;
  private final OptionalInt separator;

  private Tokenizer(
      HuggingFaceTokenizer tokenizer,
      boolean backtracks,
      Vocabulary vocabulary,
      OptionalInt separator) {
    this.tokenizer = tokenizer;
    this.backtracks = backtracks;
    this.vocabulary = vocabulary;
    this.separator = separator;
  }

  /** Whether a model folder has a tokenizer. */
  public static boolean isIn(Path folder) {
    return Files.exists(folder.resolve("tokenizer.json"));
  }

  /**
   * Loads {@code tokenizer.json} of a model folder, from its {@code tokenizer_config.json}, if
   * there is one, where a Llama tokenizer puts blanks, and from its {@code config.json} which token
   * separates documents.
   *
   * @throws UsageException when there is none
   * @throws PalimpsestException naming the file when it is bad
   */
  public static Tokenizer load(Path folder) {
    Path file = folder.resolve("tokenizer.json");
    if (!Files.exists(file)) {
      throw new UsageException(
          folder + " has no tokenizer.json, which is needed to turn text into tokens");
    }
    TokenizerFile checked = TokenizerFile.read(file);
    Vocabulary vocabulary = Vocabulary.read(file, checked.root());
    Path config = folder.resolve("config.json");
    OptionalInt separator =
        Files.exists(config)
            ? Separator.of(Json.read(config, JsonNode.class), vocabulary.size())
            : OptionalInt.empty();
    return new Tokenizer(
        open(file, SentencePieceForm.of(folder, checked)),
        checked.backtracks(),
        vocabulary,
        separator.isPresent() ? separator : Separator.known(vocabulary::idOf));
  }

  private static HuggingFaceTokenizer open(Path file, byte[] json) {
    Map<String, String> options =
        Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false");
    try (InputStream stream = new ByteArrayInputStream(json)) {
      return HuggingFaceTokenizer.newInstance(stream, options);
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot read " + file + ": " + AtomicFiles.describe(failure), failure);
    } catch (RuntimeException failure) {
      throw new PalimpsestException(
          file
              + ": not a usable tokenizer: "
              + Quoted.shortened(String.valueOf(failure.getMessage()), 160),
          failure);
    }
  }

  /**
   * The ids of a text; none for an empty one.
   *
   * @throws PalimpsestException if it has an endless run of blanks, or of no blanks, which this
   *     tokenizer's pattern could not be searched in
   */
  public int[] encode(String text) {
    requireShortRuns(text);
    return text.isEmpty()
        ? new int[0]
        : ids(inLibrary(() -> tokenizer.encode(wellFormed(text), false, false)));
  }

  /** The ids of several texts, worked out in parallel; refuses what {@link #encode} does. */
  public int[][] encodeAll(List<String> texts) {
    texts.forEach(this::requireShortRuns);
    List<String> wellFormed = texts.stream().map(Tokenizer::wellFormed).toList();
    return Arrays.stream(inLibrary(() -> tokenizer.batchEncode(wellFormed, false, false)))
        .map(Tokenizer::ids)
        .toArray(int[][]::new);
  }

  /** The text of ids, special tokens included. */
  public String decode(int... ids) {
    return ids.length == 0
        ? ""
        : inLibrary(() -> tokenizer.decode(Arrays.stream(ids).asLongStream().toArray(), false));
  }

  /** The text of ids without special tokens, as a model's answer is shown. */
  public String decodePlain(int... ids) {
    return ids.length == 0
        ? ""
        : inLibrary(() -> tokenizer.decode(Arrays.stream(ids).asLongStream().toArray(), true));
  }

  /** The one token that is exactly this text, blanks included: {@code "0"} is not {@code " 0"}. */
  public OptionalInt tokenReading(String text) {
    return vocabulary.reading(text);
  }

  /** The token that the tokenizer's file spells so, such as {@code "<s>"}. */
  public OptionalInt tokenSpelled(String raw) {
    return vocabulary.idOf(raw);
  }

  /**
   * A token as it appears in text, such as {@code " cat"}. Bytes that are no whole character appear
   * as {@code <0xE2>}; ids without a token as {@code <unused 7>}.
   */
  public String token(int id) {
    return vocabulary.text(id);
  }

  /**
   * Tokens as people read them: in order, those that only together are whole characters put
   * together. So the three byte tokens of a euro sign come back as one piece.
   */
  public List<TextPiece> pieces(int... ids) {
    return TextPiece.of(ids, vocabulary);
  }

  /** A token as the tokenizer's file spells it, such as {@code "Ġcat"}. */
  public String rawToken(int id) {
    return vocabulary.raw(id);
  }

  /** The largest id plus one. A model's own vocabulary may be padded beyond it. */
  public int vocabularySize() {
    return vocabulary.size();
  }

  /**
   * The token put before every document: the beginning-of-text token of {@code config.json} where
   * it has one (as Llama was trained), else its end-of-text token (for GPT-2 and Pythia the two are
   * one), else a token of a well-known name. It tells documents apart in token files, and is what
   * {@code --exclude-tokens auto} leaves out.
   */
  public OptionalInt separator() {
    return separator;
  }

  @Override
  public void close() {
    tokenizer.close();
  }

  /**
   * Some faults of a tokenizer show only when it is used, such as an unknown token that is none.
   */
  private static <T> T inLibrary(Supplier<T> work) {
    try {
      return work.get();
    } catch (PalimpsestException known) {
      throw known;
    } catch (RuntimeException failure) {
      throw new PalimpsestException(
          "the model's tokenizer.json cannot be used: "
              + Quoted.shortened(String.valueOf(failure.getMessage()), 160),
          failure);
    }
  }

  private static int[] ids(Encoding encoding) {
    long[] wide = encoding.getIds();
    int[] ids = new int[wide.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = (int) wide[i];
    }
    return ids;
  }

  private void requireShortRuns(String text) {
    if (!backtracks || text.length() <= LONGEST_RUN) {
      return;
    }
    int start = 0;
    for (int i = 1; i <= text.length(); i++) {
      boolean blank = isBlank(text.charAt(start));
      if (i < text.length() && isBlank(text.charAt(i)) == blank) {
        continue;
      }
      if (i - start > LONGEST_RUN) {
        throw new PalimpsestException(
            String.format(
                Locale.ROOT,
                "a text has a run of %,d %s; this model's tokenizer can split at most %,d",
                i - start,
                blank ? "blanks" : "characters without a blank",
                LONGEST_RUN));
      }
      start = i;
    }
  }

  private static boolean isBlank(char character) {
    return Character.isWhitespace(character) || Character.isSpaceChar(character);
  }

  /** Half a surrogate pair has no UTF-8 form: it becomes a question mark. */
  private static String wellFormed(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(c)) {
        return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
      }
    }
    return text;
  }
}
