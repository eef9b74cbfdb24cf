package dev.palimpsest.text;

import dev.palimpsest.base.Quoted;
import dev.palimpsest.base.UsageException;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * Tokens whose positions are neither trained on, nor spliced, nor counted in losses: by default the
 * token before documents, whose hidden states are unlike all others (signum diverges with them).
 */
public final class ExcludedTokens {
  private final BitSet ids;

  private ExcludedTokens(BitSet ids) {
    this.ids = ids;
  }

  /** Excludes nothing. */
  public static ExcludedTokens none() {
    return new ExcludedTokens(new BitSet());
  }

  /** Excludes the given ids. */
  public static ExcludedTokens of(int... ids) {
    BitSet set = new BitSet();
    for (int id : ids) {
      set.set(id);
    }
    return new ExcludedTokens(set);
  }

  /**
   * Reads the setting {@code exclude_tokens}: words separated by commas. {@code auto}: the
   * separator of documents. Ids: these besides it. {@code none}: not even the separator; with ids,
   * these alone.
   *
   * @throws UsageException where a word is neither, or an id is outside the vocabulary
   */
  public static ExcludedTokens parse(String setting, Corpus text) {
    return parse(setting, text.separator(), text.vocabularySize());
  }

  /**
   * Looks whether a setting can be read, without any text.
   *
   * @param vocabularySize the model's
   * @throws UsageException as above
   */
  public static void check(String setting, int vocabularySize) {
    parse(setting, 0, vocabularySize);
  }

  static ExcludedTokens parse(String setting, int separator, int vocabularySize) {
    BitSet set = new BitSet();
    boolean withSeparator = true;
    for (String word : setting.split(",", -1)) {
      switch (word.strip()) {
        case "auto" -> {}
        case "none" -> withSeparator = false;
        default -> set.set(id(word.strip(), setting, vocabularySize));
      }
    }
    if (withSeparator) {
      set.set(separator);
    }
    return new ExcludedTokens(set);
  }

  private static int id(String word, String setting, int vocabularySize) {
    try {
      int id = Integer.parseInt(word);
      if (id >= 0 && id < vocabularySize) {
        return id;
      }
      throw new UsageException(
          String.format(
              Locale.ROOT,
              "exclude_tokens (--exclude-tokens): the token id %s is outside the vocabulary of %d",
              Quoted.of(word),
              vocabularySize));
    } catch (NumberFormatException failure) {
      UsageException problem =
          new UsageException(
              "exclude_tokens (--exclude-tokens) takes 'auto', 'none' or token ids separated by"
                  + " commas, found '"
                  + Quoted.of(setting)
                  + "'");
      problem.initCause(failure);
      throw problem;
    }
  }

  /** Whether positions with this token are left out. */
  public boolean contains(int token) {
    return ids.get(token);
  }

  /** The ids in ascending order. */
  public List<Integer> ids() {
    return ids.stream().boxed().collect(Collectors.toUnmodifiableList());
  }
}
