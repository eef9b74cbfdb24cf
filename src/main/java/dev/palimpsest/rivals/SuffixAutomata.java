package dev.palimpsest.rivals;

import dev.palimpsest.latents.LatentBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * For each latent a trie of the suffixes, up to three tokens long, of its twenty strongest
 * examples, in the manner of Neuron-to-Graph (Foote et al. 2023). A suffix says the mean activation
 * over all its occurrences, drawn towards the shorter one's as if that had been seen once more; the
 * longest that matches counts, and where none does the latent's mean elsewhere. Without their
 * pruning and exchange of words by the model, for which a mean over occurrences stands in.
 */
final class SuffixAutomata implements FittedRival, TokenRival {
  private static final int ORDER = 3;
  private static final int EXAMPLES = 20;

  private final float[][] decoder;
  private final int width;
  private final List<Part> parts = new ArrayList<>();
  private final List<Map<Long, Node>> nodes = new ArrayList<>();
  private final float[] defaults;
  private final double[] base;

  /** Firings of a batch: by row the keys of 1, 2, … tokens, and k latents. */
  @SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
  private record Part(long[][] keys, int k, int[] latents, float[] activations) {}

  /** What a suffix says of the latents in whose trie it is. */
  private static final class Node {
    private final int[] latents;
    private final double[] values;
    private long count;

    Node(int[] latents) {
      this.latents = latents;
      values = new double[latents.length];
    }
  }

  /**
   * @param decoder rows of the coder's decoder [M][d], not copied
   */
  SuffixAutomata(float[][] decoder) {
    this.decoder = decoder;
    width = decoder[0].length;
    defaults = new float[decoder.length];
    base = new double[width];
  }

  @Override
  public void add(LatentBatch batch) {
    int count = batch.kept().length;
    RivalRows rows = RivalRows.of(batch, width);
    long[][] keys = new long[count][ORDER];
    for (int i = 0; i < count; i++) {
      for (int n = 1; n <= ORDER; n++) {
        keys[i][n - 1] = NgramTable.key(n, rows.contexts()[i], rows.positions()[i]);
      }
    }
    parts.add(new Part(keys, batch.k(), batch.latents(), batch.activations()));
  }

  @Override
  public void finish() {
    List<Map<Long, Set<Integer>>> suffixes = suffixes();
    for (Map<Long, Set<Integer>> of : suffixes) {
      Map<Long, Node> made = new HashMap<>();
      of.forEach(
          (key, latents) ->
              made.put(key, new Node(latents.stream().mapToInt(Integer::intValue).toArray())));
      nodes.add(made);
    }
    double[] sums = new double[decoder.length];
    long rows = count(sums);
    means(sums, rows);
    parts.clear();
  }

  /** By order, which latents have a suffix in their trie. */
  private List<Map<Long, Set<Integer>>> suffixes() {
    float[][] strongest = new float[decoder.length][EXAMPLES];
    long[][][] examples = new long[decoder.length][EXAMPLES][];
    for (Part part : parts) {
      for (int slot = 0; slot < part.activations().length; slot++) {
        float activation = part.activations()[slot];
        int latent = part.latents()[slot];
        if (activation > 0 && activation > strongest[latent][EXAMPLES - 1]) {
          int at = EXAMPLES - 1;
          while (at > 0 && strongest[latent][at - 1] < activation) {
            strongest[latent][at] = strongest[latent][at - 1];
            examples[latent][at] = examples[latent][at - 1];
            at--;
          }
          strongest[latent][at] = activation;
          examples[latent][at] = part.keys()[slot / part.k()];
        }
      }
    }
    List<Map<Long, Set<Integer>>> suffixes = new ArrayList<>();
    for (int n = 0; n < ORDER; n++) {
      Map<Long, Set<Integer>> of = new HashMap<>();
      for (int latent = 0; latent < decoder.length; latent++) {
        for (int e = 0; e < EXAMPLES && strongest[latent][e] > 0; e++) {
          if (examples[latent][e][n] >= 0) {
            of.computeIfAbsent(examples[latent][e][n], key -> new TreeSet<>()).add(latent);
          }
        }
      }
      suffixes.add(of);
    }
    return suffixes;
  }

  /** Adds up activations by suffix and latent, and by latent; returns the number of rows. */
  private long count(double[] sums) {
    long rows = 0;
    for (Part part : parts) {
      for (int slot = 0; slot < part.activations().length; slot++) {
        sums[part.latents()[slot]] += Math.max(0, part.activations()[slot]);
      }
      for (int row = 0; row < part.keys().length; row++) {
        for (int n = 0; n < ORDER; n++) {
          Node node = nodes.get(n).get(part.keys()[row][n]);
          if (node != null) {
            count(node, part, row);
          }
        }
      }
      rows += part.keys().length;
    }
    return rows;
  }

  private static void count(Node node, Part part, int row) {
    node.count++;
    for (int slot = row * part.k(); slot < (row + 1) * part.k(); slot++) {
      int at = Arrays.binarySearch(node.latents, part.latents()[slot]);
      if (at >= 0) {
        node.values[at] += Math.max(0, part.activations()[slot]);
      }
    }
  }

  /** Turns sums into means, the defaults first, then from the shortest suffixes on. */
  private void means(double[] sums, long rows) {
    long[] matched = new long[decoder.length];
    for (Node node : nodes.get(0).values()) {
      for (int i = 0; i < node.latents.length; i++) {
        matched[node.latents[i]] += node.count;
        sums[node.latents[i]] -= node.values[i];
      }
    }
    for (int latent = 0; latent < defaults.length; latent++) {
      long rest = rows - matched[latent];
      defaults[latent] = rest > 0 ? (float) Math.max(0, sums[latent] / rest) : 0;
      for (int k = 0; k < width; k++) {
        base[k] += (double) defaults[latent] * decoder[latent][k];
      }
    }
    for (int n = 0; n < ORDER; n++) {
      int shorter = n;
      nodes
          .get(n)
          .forEach(
              (key, node) -> {
                Node below =
                    shorter == 0 ? null : nodes.get(shorter - 1).get(NgramTable.tail(shorter, key));
                for (int i = 0; i < node.latents.length; i++) {
                  double prior =
                      below == null
                          ? defaults[node.latents[i]]
                          : below.values[Arrays.binarySearch(below.latents, node.latents[i])];
                  node.values[i] = (node.values[i] + prior) / (node.count + 1);
                }
              });
    }
  }

  @Override
  public void predict(int[] context, int position, float[] into, int offset) {
    Map<Integer, Double> guesses = new HashMap<>();
    for (int n = 1; n <= ORDER; n++) {
      Node node = nodes.get(n - 1).get(NgramTable.key(n, context, position));
      for (int i = 0; node != null && i < node.latents.length; i++) {
        guesses.put(node.latents[i], node.values[i]);
      }
    }
    double[] sum = base.clone();
    guesses.forEach(
        (latent, value) -> {
          double excess = value - defaults[latent];
          for (int k = 0; k < width; k++) {
            sum[k] += excess * decoder[latent][k];
          }
        });
    for (int k = 0; k < width; k++) {
      into[offset + k] = (float) sum[k];
    }
  }
}
