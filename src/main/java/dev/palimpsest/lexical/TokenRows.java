package dev.palimpsest.lexical;

import dev.palimpsest.latents.LatentCache;
import java.util.Arrays;

/**
 * The text that latents were cached on.
 *
 * @param contextLength tokens of a row
 * @param tokens [rows × contextLength] token ids, row after row
 * @param excluded ids that the coder never saw (the boundary between documents); their positions
 *     count for nothing
 */
@SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
record TokenRows(int contextLength, int[] tokens, int[] excluded) {
  /** The first rows of a text, at most so many tokens (but at least one row). */
  static TokenRows of(int contextLength, int[] tokens, int[] excluded, int most) {
    int rows = Math.max(1, Math.min(tokens.length, most) / contextLength);
    return new TokenRows(contextLength, Arrays.copyOf(tokens, rows * contextLength), excluded);
  }

  /** What is looked at of a cache's text. */
  static TokenRows of(LatentCache cache, int most) {
    int[] excluded = cache.header().excludedTokens().stream().mapToInt(id -> id).toArray();
    return of(cache.contextLength(), cache.tokens(), excluded, most);
  }

  /** Number of rows. */
  int rows() {
    return tokens.length / contextLength;
  }

  /** One row, copied. */
  int[] row(int row) {
    return Arrays.copyOfRange(tokens, row * contextLength, (row + 1) * contextLength);
  }

  /** Whether the coder sees this token at all. */
  boolean counts(int token) {
    for (int id : excluded) {
      if (id == token) {
        return false;
      }
    }
    return true;
  }
}
