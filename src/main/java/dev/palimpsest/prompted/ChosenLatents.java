package dev.palimpsest.prompted;

import dev.palimpsest.base.Seeds;
import dev.palimpsest.latents.LatentCache;
import dev.palimpsest.latents.WindowSampler;
import java.util.BitSet;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Which latents are explained, where that is too dear for all of them. */
public final class ChosenLatents {
  private ChosenLatents() {}

  /**
   * So many latents, drawn without looking at what they do, of those that fire often enough.
   *
   * @param count how many; 0: all that fire often enough
   * @param leastWindows aligned windows of the length in which a latent must fire, at least 1
   * @param length tokens of a window
   */
  public static BitSet of(LatentCache cache, int count, int leastWindows, int length, long seed) {
    int[] order = IntStream.range(0, cache.latents()).toArray();
    if (count > 0) {
      SplittableRandom random = Seeds.stream(seed, "explain.latents");
      for (int i = 0; i < order.length; i++) {
        int other = i + random.nextInt(order.length - i);
        int swap = order[i];
        order[i] = order[other];
        order[other] = swap;
      }
    }
    BitSet chosen = new BitSet(order.length);
    int found = 0;
    for (int latent : order) {
      if (count > 0 && found == count) {
        break;
      }
      if (cache.count(latent) >= leastWindows && windows(cache, latent, length) >= leastWindows) {
        chosen.set(latent);
        found++;
      }
    }
    return chosen;
  }

  private static int windows(LatentCache cache, int latent, int length) {
    return new WindowSampler(
            cache.activations(latent), cache.rows(), cache.contextLength(), length, 0)
        .activating()
        .size();
  }
}
