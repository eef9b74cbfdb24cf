package dev.palimpsest.prompted;

import dev.palimpsest.latents.LatentCache;
import dev.palimpsest.latents.LatentRecord;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** Latents that fire in the same windows as a latent: the ones that it is mistaken for. */
final class Neighbours {
  private final LatentCache cache;
  private final int length;
  private final int[][] windows;

  /**
   * @param length tokens of the windows in which latents meet
   */
  Neighbours(LatentCache cache, int length) {
    this.cache = cache;
    this.length = length;
    windows = new int[cache.latents()][];
  }

  /** Windows in which a latent fires, ascending. */
  private int[] windows(int latent) {
    int[] known = windows[latent];
    if (known == null) {
      LatentRecord record = cache.activations(latent);
      int perRow = cache.contextLength() / length;
      known =
          IntStream.range(0, record.count())
              .filter(i -> record.positions()[i] / length < perRow)
              .map(i -> record.rows()[i] * perRow + record.positions()[i] / length)
              .sorted()
              .distinct()
              .toArray();
      windows[latent] = known;
    }
    return known;
  }

  /** The latents with the largest share of windows in common (Jaccard's), nearest first. */
  List<Integer> of(int latent, int count) {
    record Near(int latent, double share) {}
    int[] own = windows(latent);
    return IntStream.range(0, windows.length)
        .filter(other -> other != latent && cache.count(other) > 0)
        .mapToObj(other -> new Near(other, share(own, windows(other))))
        .filter(near -> near.share > 0)
        .sorted(Comparator.comparingDouble(Near::share).reversed().thenComparingInt(Near::latent))
        .limit(count)
        .map(Near::latent)
        .toList();
  }

  /** Whether a latent fires in a window. */
  boolean fires(int latent, int row, int start) {
    int window = row * (cache.contextLength() / length) + start / length;
    return Arrays.binarySearch(windows(latent), window) >= 0;
  }

  private static double share(int[] first, int[] second) {
    int common = 0;
    int i = 0;
    int j = 0;
    while (i < first.length && j < second.length) {
      int order = Integer.compare(first[i], second[j]);
      common += order == 0 ? 1 : 0;
      i += order <= 0 ? 1 : 0;
      j += order >= 0 ? 1 : 0;
    }
    int all = first.length + second.length - common;
    return all == 0 ? 0 : (double) common / all;
  }
}
