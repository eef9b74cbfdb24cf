package dev.palimpsest.model;

import java.util.List;

/**
 * New tokens of one sequence.
 *
 * @param before runs that the sequence begins with, complete and in order; others may share them
 * @param into where the keys and values of the new tokens go: after those it holds. In no other
 *     extension of the same pass
 * @param tokens the new ones, at least one
 */
@SuppressWarnings("ArrayRecordComponent") // handed over without copies, never compared
public record Extension(List<CachedRun> before, CachedRun into, int[] tokens) {
  /** Checks the sizes. */
  public Extension {
    before = List.copyOf(before);
    if (tokens.length == 0 || into.length() + tokens.length > into.capacity()) {
      throw new IllegalArgumentException(tokens.length + " tokens for " + into);
    }
  }

  /** Where the first new token stands in its sequence. */
  int start() {
    return before.stream().mapToInt(CachedRun::length).sum() + into.length();
  }

  /** Tokens of the sequence, the new ones included. */
  int end() {
    return start() + tokens.length;
  }
}
