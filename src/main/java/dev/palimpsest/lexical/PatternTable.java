package dev.palimpsest.lexical;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Which candidate pattern matches where in the explained text, listed both ways: patterns of a
 * position, positions of a pattern. Positions are numbered row × contextLength + place; those of
 * excluded tokens have no patterns.
 */
final class PatternTable {
  final List<Pattern> patterns;
  final int positions;
  final int counted;

  /** Positions that any pattern matches. */
  final int described;

  final int[] patternsStart;
  final int[] patternsAt;
  final int[] positionsStart;
  final int[] positionsOf;

  private PatternTable(
      List<Pattern> patterns, int positions, int counted, int[] patternsStart, int[] patternsAt) {
    this.patterns = patterns;
    this.positions = positions;
    this.counted = counted;
    this.patternsStart = patternsStart;
    this.patternsAt = patternsAt;
    positionsStart = new int[patterns.size() + 1];
    for (int pattern : patternsAt) {
      positionsStart[pattern + 1]++;
    }
    Arrays.parallelPrefix(positionsStart, Integer::sum);
    positionsOf = new int[patternsAt.length];
    int any = 0;
    int[] next = positionsStart.clone();
    for (int position = 0; position < positions; position++) {
      any += describes(position) ? 1 : 0;
      for (int i = patternsStart[position]; i < patternsStart[position + 1]; i++) {
        positionsOf[next[patternsAt[i]]++] = position;
      }
    }
    described = any;
  }

  /** Whether any pattern matches a position. */
  boolean describes(int position) {
    return patternsStart[position + 1] > patternsStart[position];
  }

  /**
   * @param mostShare patterns that match at a larger share of the counted positions are left out,
   *     except traits
   */
  static PatternTable of(TokenRows text, Lexicon lexicon, int fewest, double mostShare) {
    List<Pattern> all = CandidatePatterns.in(text, lexicon, fewest);
    Collector first = new Collector(all.size());
    first.run(text, new PatternMatcher(all, lexicon), null);
    List<Pattern> kept = new ArrayList<>();
    int[] keptIndex = new int[all.size()];
    for (int i = 0; i < all.size(); i++) {
      boolean common = first.counts[i] > mostShare * first.counted;
      boolean keep =
          first.counts[i] >= fewest && (!common || all.get(i) instanceof Pattern.HasTrait);
      keptIndex[i] = keep ? kept.size() : -1;
      if (keep) {
        kept.add(all.get(i));
      }
    }
    Collector second = new Collector(all.size());
    second.run(text, new PatternMatcher(all, lexicon), keptIndex);
    return new PatternTable(
        kept,
        text.tokens().length,
        second.counted,
        second.starts,
        Arrays.copyOf(second.entries, second.size));
  }

  /** Number of positions the pattern matches. */
  int count(int pattern) {
    return positionsStart[pattern + 1] - positionsStart[pattern];
  }

  /** One pass of the matcher over the text; only counts where {@code keptIndex} is null. */
  private static final class Collector {
    final int[] counts;
    int counted;
    int[] starts = {0};
    int[] entries = new int[1 << 16];
    int size;

    Collector(int patterns) {
      counts = new int[patterns];
    }

    void run(
        TokenRows text,
        PatternMatcher matcher,
        int @org.jspecify.annotations.Nullable [] keptIndex) {
      starts = new int[text.tokens().length + 1];
      for (int row = 0; row < text.rows(); row++) {
        int[] context = text.row(row);
        int base = row * text.contextLength();
        matcher.match(
            context,
            (position, found, count) -> {
              if (text.counts(context[position])) {
                counted++;
                for (int i = 0; i < count; i++) {
                  take(found[i], keptIndex);
                }
              }
              starts[base + position + 1] = size;
            });
      }
    }

    private void take(int pattern, int @org.jspecify.annotations.Nullable [] keptIndex) {
      if (keptIndex == null) {
        counts[pattern]++;
        return;
      }
      int kept = keptIndex[pattern];
      if (kept >= 0) {
        if (size == entries.length) {
          entries = Arrays.copyOf(entries, 2 * size);
        }
        entries[size++] = kept;
      }
    }
  }
}
