package dev.palimpsest.language;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Token sequences by what they begin with, so that a common beginning is run once.
 *
 * @param tokens that follow those of the nodes above, at least one
 * @param ends which sequences end with them
 * @param children what comes after, each beginning with a different token or long enough to stand
 *     alone
 */
@SuppressWarnings("ArrayRecordComponent") // built once, never compared
record PrefixTree(int[] tokens, List<Integer> ends, List<PrefixTree> children) {
  /**
   * A common beginning is a pass of its own, in which the weights are read once more: it must save
   * at least so many tokens.
   */
  private static final int WORTHWHILE = 64;

  /** The trees of sequences, none of them empty. */
  static List<PrefixTree> of(List<int[]> sequences) {
    int[] order =
        IntStream.range(0, sequences.size())
            .boxed()
            .sorted((a, b) -> Arrays.compare(sequences.get(a), sequences.get(b)))
            .mapToInt(Integer::intValue)
            .toArray();
    return new Builder(sequences, order).build(0, order.length, 0);
  }

  private record Builder(List<int[]> sequences, int[] order) {
    /**
     * @param first of the sorted sequences, to before {@code last}; all alike up to {@code start}
     * @param start where the tokens begin that no node above has
     */
    List<PrefixTree> build(int first, int last, int start) {
      if (first == last) {
        return List.of();
      }
      // Sorted: what the first and the last have in common, all have.
      int mismatch = Arrays.mismatch(at(first), at(last - 1));
      int common = mismatch < 0 ? at(first).length : mismatch;
      int here = first;
      while (here < last && at(here).length == common) {
        here++;
      }
      List<Integer> ends = IntStream.range(first, here).map(i -> order[i]).boxed().toList();
      int[] tokens = Arrays.copyOfRange(at(first), start, common);
      if (here == last) {
        return List.of(new PrefixTree(tokens, ends, List.of()));
      }
      boolean shared = (long) (common - start) * (last - first - 1) >= WORTHWHILE;
      List<PrefixTree> children = new ArrayList<>();
      for (int from = here; from < last; ) {
        int to = from + 1;
        while (to < last && at(to)[common] == at(from)[common]) {
          to++;
        }
        children.addAll(build(from, to, shared ? common : start));
        from = to;
      }
      if (shared) {
        return List.of(new PrefixTree(tokens, ends, children));
      }
      if (!ends.isEmpty()) {
        children.add(new PrefixTree(tokens, ends, List.of()));
      }
      return children;
    }

    private int[] at(int place) {
      return sequences.get(order[place]);
    }
  }

  /** The children with this node's tokens before theirs, and this node alone: nothing shared. */
  List<PrefixTree> unshared() {
    List<PrefixTree> result = new ArrayList<>();
    for (PrefixTree child : children) {
      int[] all = Arrays.copyOf(tokens, tokens.length + child.tokens.length);
      System.arraycopy(child.tokens, 0, all, tokens.length, child.tokens.length);
      result.add(new PrefixTree(all, child.ends, child.children));
    }
    if (!ends.isEmpty()) {
      result.add(new PrefixTree(tokens, ends, List.of()));
    }
    return result;
  }
}
