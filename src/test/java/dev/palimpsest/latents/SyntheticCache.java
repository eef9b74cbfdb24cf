package dev.palimpsest.latents;

import dev.palimpsest.base.Seeds;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** Small caches of made-up activations. */
public final class SyntheticCache {
  /** What a latent does at a place: its activation, 0 for silence. */
  @FunctionalInterface
  public interface Truth {
    float at(int latent, int[] row, int position);
  }

  private SyntheticCache() {}

  /** Random rows of tokens below {@code vocabulary}; token 0 is the excluded boundary. */
  public static List<int[]> rows(int count, int length, int vocabulary, long seed) {
    SplittableRandom random = Seeds.stream(seed, "test.rows");
    List<int[]> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      rows.add(random.ints(length, 0, vocabulary).toArray());
    }
    return rows;
  }

  /** The batches of rows, {@code batchRows} at a time; every latent has a slot everywhere. */
  public static List<LatentBatch> batches(
      List<int[]> rows, int latents, int batchRows, Truth truth) {
    List<LatentBatch> batches = new ArrayList<>();
    for (int first = 0; first < rows.size(); first += batchRows) {
      int count = Math.min(batchRows, rows.size() - first);
      int length = rows.get(0).length;
      int[] tokens = new int[count * length];
      List<Integer> kept = new ArrayList<>();
      for (int r = 0; r < count; r++) {
        for (int p = 0; p < length; p++) {
          tokens[r * length + p] = rows.get(first + r)[p];
          if (tokens[r * length + p] != 0) {
            kept.add(r * length + p);
          }
        }
      }
      int[] slots = new int[kept.size() * latents];
      float[] activations = new float[slots.length];
      for (int i = 0; i < kept.size(); i++) {
        for (int latent = 0; latent < latents; latent++) {
          slots[i * latents + latent] = latent;
          activations[i * latents + latent] =
              truth.at(latent, rows.get(first + kept.get(i) / length), kept.get(i) % length);
        }
      }
      int[] positions = kept.stream().mapToInt(i -> i).toArray();
      batches.add(
          new LatentBatch(
              first, count, length, tokens, positions, latents, slots, activations, new float[0]));
    }
    return batches;
  }

  /** Writes a cache. */
  public static void write(Path folder, List<int[]> rows, int latents, int batchRows, Truth truth) {
    int length = rows.get(0).length;
    try (LatentCacheBuilder builder =
        new LatentCacheBuilder(folder, latents, length, rows.size(), latents, Map.of())) {
      batches(rows, latents, batchRows, truth).forEach(builder::add);
      builder.finish(
          new CacheHeader(
              "layers.0.mlp",
              latents,
              length,
              rows.size(),
              builder.countedTokens(),
              Math.min(5, latents),
              List.of(0),
              Map.of("test", "synthetic")));
    }
  }
}
