package dev.palimpsest.text;

import java.util.Arrays;

/**
 * All windows of one text, and behind them some of another.
 *
 * @param first all of whose windows come first
 * @param second of the same length of windows
 * @param chosen numbers of the second's windows, in the order in which they follow
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record JoinedWindows(TokenWindows first, TokenWindows second, long[] chosen)
    implements TokenWindows {
  /** Checks the lengths, and copies the choice. */
  public JoinedWindows {
    if (first.contextLength() != second.contextLength()) {
      throw new IllegalArgumentException(
          "windows of " + first.contextLength() + " and of " + second.contextLength() + " tokens");
    }
    chosen = chosen.clone();
  }

  /**
   * So many of the second's windows as are needed to come to a number of tokens, in a seeded
   * choice; all of them, where that is too few.
   */
  public static TokenWindows upTo(long tokens, TokenWindows first, TokenWindows second, long seed) {
    long missing = tokens / first.contextLength() - first.size();
    if (missing <= 0) {
      return first;
    }
    WindowOrder order = new WindowOrder(second.size(), seed);
    long[] chosen = new long[Math.toIntExact(Math.min(missing, second.size()))];
    Arrays.setAll(chosen, i -> order.at(i));
    Arrays.sort(chosen);
    return new JoinedWindows(first, second, chosen);
  }

  @Override
  public int contextLength() {
    return first.contextLength();
  }

  @Override
  public long size() {
    return first.size() + chosen.length;
  }

  @Override
  public void read(long index, int[] into, int offset) {
    if (index < first.size()) {
      first.read(index, into, offset);
    } else {
      second.read(chosen[Math.toIntExact(index - first.size())], into, offset);
    }
  }

  @Override
  public long document(long index) {
    return index < first.size()
        ? first.document(index)
        : second.document(chosen[Math.toIntExact(index - first.size())]);
  }
}
