package dev.palimpsest.text;

import dev.palimpsest.base.UsageException;
import java.util.BitSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/**
 * Tokens whose positions are neither trained on, nor spliced, nor counted in losses: by default the
 * end-of-text token, whose hidden states are unlike all others (signum diverges with them).
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
   * Reads the option {@code --exclude-tokens}.
   *
   * @param option {@code auto} (the end-of-text token), {@code none}, or ids separated by commas
   */
  public static ExcludedTokens parse(String option, OptionalInt endOfText) {
    if (option.equals("auto")) {
      return endOfText.isPresent() ? of(endOfText.getAsInt()) : none();
    }
    if (option.equals("none")) {
      return none();
    }
    BitSet set = new BitSet();
    for (String id : option.split(",", -1)) {
      try {
        set.set(Integer.parseInt(id.strip()));
      } catch (NumberFormatException | IndexOutOfBoundsException failure) {
        UsageException problem =
            new UsageException(
                "--exclude-tokens takes 'auto', 'none' or token ids separated by commas, found '"
                    + option
                    + "'");
        problem.initCause(failure);
        throw problem;
      }
    }
    return new ExcludedTokens(set);
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
