package dev.palimpsest.lexical;

import dev.palimpsest.text.TokenNames;
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
   * @param tokens at least one id, in reading order; {@link #ANY} matches any token, {@link
   *     TokenNames#UNKNOWN} none; the last is not {@link #ANY}
   */
  record Sequence(int back, List<Integer> tokens) implements Pattern {
    /** Copies the tokens. */
    public Sequence {
      tokens = List.copyOf(tokens);
    }

    /** One token at a place. */
    static Sequence of(int back, int token) {
      return new Sequence(back, List.of(token));
    }
  }

  /**
   * The token occurs among the {@code reach} tokens before the position; the position's own token
   * does not count, nor does anything before the last document boundary.
   *
   * @param reach at least 1; {@link #STORY}: everything since the boundary
   */
  record Nearby(int reach, int token) implements Pattern {
    /** The reach that looks back to the beginning of the document. */
    public static final int STORY = Integer.MAX_VALUE;
  }

  /** The token {@code back} places before the position has the trait. */
  record HasTrait(int back, Trait trait) implements Pattern {}
}
