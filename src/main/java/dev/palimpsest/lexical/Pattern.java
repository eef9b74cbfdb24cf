package dev.palimpsest.lexical;

import java.util.List;

/**
 * Something that is or is not the case at a position of a context, judged from that token and those
 * before it.
 */
public sealed interface Pattern {
  /** Stands in a {@link Sequence} for any one token. */
  int ANY = -1;

  /**
   * The given tokens in a row, the last of them {@code back} places before the position (0: it is
   * the position's own token).
   *
   * @param symbols at least one symbol of a {@link Lexicon}, in reading order; {@link #ANY} matches
   *     any token, {@link dev.palimpsest.text.TokenNames#UNKNOWN} none; the last is not {@link
   *     #ANY}
   */
  record Sequence(int back, List<Integer> symbols) implements Pattern {
    /** Copies the symbols. */
    public Sequence {
      symbols = List.copyOf(symbols);
    }

    /** One symbol at a place. */
    static Sequence of(int back, int symbol) {
      return new Sequence(back, List.of(symbol));
    }
  }

  /**
   * The symbol occurs among the {@code reach} tokens before the position; the position's own token
   * does not count, nor does anything before the last document boundary.
   *
   * @param reach at least 1; {@link #STORY}: everything since the boundary; {@link #SENTENCE}:
   *     everything since the sentence began
   */
  record Nearby(int reach, int symbol) implements Pattern {
    /** The reach that looks back to the beginning of the document. */
    public static final int STORY = Integer.MAX_VALUE;

    /** The reach that looks back to the beginning of the sentence. */
    public static final int SENTENCE = Integer.MAX_VALUE - 1;
  }

  /** The token at the position has the trait. */
  record HasTrait(Trait trait) implements Pattern {}
}
