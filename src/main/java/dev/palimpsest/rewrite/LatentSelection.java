package dev.palimpsest.rewrite;

import dev.palimpsest.base.Seeds;
import dev.palimpsest.results.Selection;
import java.util.Arrays;
import java.util.Comparator;
import java.util.SplittableRandom;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/** Orders in which latents are chosen for rewriting, and how many of them a fraction is. */
final class LatentSelection {
  private LatentSelection() {}

  /** |S| = max(1, round(f M)). */
  static int count(double fraction, int latents) {
    return (int) Math.max(1, Math.round(fraction * latents));
  }

  /**
   * The order of choice; the first |S| are rewritten, so that larger fractions contain smaller
   * ones.
   *
   * @param scores of the latents' explanations; NaN for latents without explanation or score
   * @param latents M
   * @return a permutation of 0 … M - 1
   */
  static int[] order(Selection selection, IntToDoubleFunction scores, int latents, long seed) {
    return switch (selection) {
      case BEST -> byScore(scores, latents);
      case RANDOM -> shuffled(latents, Seeds.stream(seed, "rewrite-selection"));
    };
  }

  /** Membership of the first {@code count} latents of an order: [M]. */
  static boolean[] members(int[] order, int count) {
    boolean[] members = new boolean[order.length];
    for (int i = 0; i < count; i++) {
      members[order[i]] = true;
    }
    return members;
  }

  /** Descending score, NaN last, ties to the lowest index. */
  private static int[] byScore(IntToDoubleFunction scores, int latents) {
    double[] keys = new double[latents];
    for (int i = 0; i < latents; i++) {
      double score = scores.applyAsDouble(i);
      keys[i] = Double.isNaN(score) ? Double.POSITIVE_INFINITY : 0 - score;
    }
    return IntStream.range(0, latents)
        .boxed()
        .sorted(Comparator.comparingDouble(i -> keys[i]))
        .mapToInt(Integer::intValue)
        .toArray();
  }

  /** Fisher and Yates. */
  private static int[] shuffled(int n, SplittableRandom random) {
    int[] order = new int[n];
    Arrays.setAll(order, i -> i);
    for (int i = n - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int kept = order[i];
      order[i] = order[j];
      order[j] = kept;
    }
    return order;
  }
}
