package dev.palimpsest.text;

import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * How tokens are written in explanations, exactly and reversibly.
 *
 * <p>A token that is a space and letters is written as the bare word. Any other stands in single
 * quotes, as the text it stands for, with {@code \} before quotes and backslashes, {@code \n} and
 * the like for control characters, and any other character that does not print as a hexadecimal
 * code point in braces after {@code \}{@code u}; bytes that are no whole character stand as {@code
 * <0xE2>}. Only a token whose text is empty or shared with another token is written by its number:
 * {@code '\#1234;'}. Token text comes from outside and is never trusted to be printable.
 */
public final class TokenNames {
  /** Stands for a name that no token of the vocabulary has; matches nothing. */
  public static final int UNKNOWN = -2;

  /** Characters between a text and those that are near it, at most. */
  private static final int FARTHEST = 3;

  /** Longer texts have no near ones: the distance takes time by the square of their length. */
  private static final int LONGEST = 64;

  private final String[] texts;
  private final boolean[] byNumber;
  private final Map<String, Integer> ids;
  private final OptionalInt boundary;

  private TokenNames(String[] texts, OptionalInt boundary) {
    this.texts = texts;
    this.boundary = boundary;
    this.byNumber = new boolean[texts.length];
    this.ids = new HashMap<>(texts.length * 2);
    for (int id = 0; id < texts.length; id++) {
      Integer earlier = ids.putIfAbsent(texts[id], id);
      byNumber[id] = earlier != null || texts[id].isEmpty();
      if (earlier != null) {
        byNumber[earlier] = true;
      }
    }
  }

  /**
   * @param vocabularySize number of token ids
   * @param text the readable piece of a token, as {@code Tokenizer.token} gives it
   * @param boundary the token between documents, if there is one
   */
  public static TokenNames of(int vocabularySize, IntFunction<String> text, OptionalInt boundary) {
    String[] texts = new String[vocabularySize];
    for (int id = 0; id < vocabularySize; id++) {
      texts[id] = text.apply(id);
    }
    return new TokenNames(texts, boundary);
  }

  /** The names of a model's own vocabulary. */
  public static TokenNames of(Tokenizer tokenizer) {
    return of(tokenizer.vocabularySize(), tokenizer::token, tokenizer.separator());
  }

  /** Number of token ids. */
  public int size() {
    return texts.length;
  }

  /** The token's own text. */
  public String text(int id) {
    return texts[id];
  }

  /** The token between documents. */
  public OptionalInt boundary() {
    return boundary;
  }

  /** The token as explanations write it. */
  public String name(int id) {
    if (byNumber[id]) {
      return "'\\#" + id + ";'";
    }
    return isWord(texts[id]) ? texts[id].substring(1) : "'" + escape(texts[id]) + "'";
  }

  /** Whether the token can only be written by its number. */
  public boolean isNumbered(int id) {
    return byNumber[id];
  }

  private static boolean isWord(String text) {
    return text.length() > 1
        && text.charAt(0) == ' '
        && text.codePoints().skip(1).allMatch(Character::isLetter);
  }

  /** The token that has this text (the first one if several have), or {@link #UNKNOWN}. */
  public int idOf(String text) {
    return ids.getOrDefault(text, UNKNOWN);
  }

  /**
   * The tokens whose text is nearest to one that no token has: by the number of characters to
   * insert, delete or replace, blanks at the ends and capitals apart; then those.
   *
   * @param count the most that are wanted
   * @return fewer where nothing is near, which is half of the text's characters away
   */
  public List<Integer> nearest(String text, int count) {
    String bare = text.strip().toLowerCase(Locale.ROOT);
    record Near(int id, int distance, int exact) {}
    int most = Math.min(bare.length() / 2, FARTHEST);
    return IntStream.range(0, bare.length() > LONGEST ? 0 : texts.length)
        .filter(id -> !byNumber[id])
        .filter(id -> Math.abs(texts[id].strip().length() - bare.length()) <= most)
        .mapToObj(
            id ->
                new Near(
                    id,
                    EditDistance.of(bare, texts[id].strip().toLowerCase(Locale.ROOT)),
                    EditDistance.of(text, texts[id])))
        .filter(near -> near.distance() <= most)
        .sorted(
            Comparator.comparingInt(Near::distance)
                .thenComparingInt(Near::exact)
                .thenComparingInt(Near::id))
        .limit(count)
        .map(Near::id)
        .toList();
  }

  private static String escape(String text) {
    StringBuilder name = new StringBuilder(text.length() + 2);
    text.codePoints().forEach(point -> escape(point, name));
    return name.toString();
  }

  private static void escape(int point, StringBuilder into) {
    switch (point) {
      case '\n' -> into.append("\\n");
      case '\t' -> into.append("\\t");
      case '\r' -> into.append("\\r");
      case '\'', '\\' -> into.append('\\').appendCodePoint(point);
      default -> {
        if (prints(point)) {
          into.appendCodePoint(point);
        } else {
          into.append("\\u{").append(Integer.toHexString(point)).append('}');
        }
      }
    }
  }

  private static boolean prints(int point) {
    return switch (Character.getType(point)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> point == ' ';
      default -> true;
    };
  }
}
