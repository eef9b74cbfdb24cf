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

  /** How much an error matters at each position, on average 1 where tokens count. */
  final float[] weights;

  /** What all positions that count weigh together. */
  final double countedWeight;

  /** What those that any pattern matches weigh together. */
  final double describedWeight;

  private final float[] weightOf;

  final int[] patternsStart;
  final int[] patternsAt;
  final int[] positionsStart;
  final int[] positionsOf;

  private PatternTable(
      List<Pattern> patterns, float[] weights, int[] patternsStart, int[] patternsAt) {
    this.patterns = patterns;
    this.weights = weights;
    positions = weights.length;
    this.patternsStart = patternsStart;
    this.patternsAt = patternsAt;
    positionsStart = new int[patterns.size() + 1];
    for (int pattern : patternsAt) {
      positionsStart[pattern + 1]++;
    }
    Arrays.parallelPrefix(positionsStart, Integer::sum);
    positionsOf = new int[patternsAt.length];
    double any = 0;
    double all = 0;
    weightOf = new float[patterns.size()];
    int[] next = positionsStart.clone();
    for (int position = 0; position < positions; position++) {
      any += describes(position) ? weights[position] : 0;
      all += weights[position];
      for (int i = patternsStart[position]; i < patternsStart[position + 1]; i++) {
        positionsOf[next[patternsAt[i]]++] = position;
        weightOf[patternsAt[i]] += weights[position];
      }
    }
    describedWeight = any;
    countedWeight = all;
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
        kept, TokenWeights.of(text), second.starts, Arrays.copyOf(second.entries, second.size));
  }

  /** What the positions that the pattern matches weigh together. */
  float weight(int pattern) {
    return weightOf[pattern];
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
