package dev.palimpsest.rewrite;

import dev.palimpsest.base.Seeds;
import java.util.SplittableRandom;
import java.util.function.IntPredicate;

/**
 * Builds the activations a variant puts in place of the true ones, a token a row, never touching
 * more than the pairs that matter: true latents [k], exceptions of the predictor, and the head of
 * the sorted defaults.
 */
final class LatentMixer {
  private final int latents;
  private final int k;
  private final long[] lastSeen;
  private long stamp;
  private final float[] bestValues;
  private final int[] bestLatents;
  private int kept;

  /**
   * @param latents M
   * @param k latents kept by re-selection
   */
  LatentMixer(int latents, int k) {
    this.latents = latents;
    this.k = k;
    lastSeen = new long[latents];
    bestValues = new float[k];
    bestLatents = new int[k];
  }

  /** True latents outside {@code dropped} [M]: those of S zeroed. */
  void zero(SparseRows truth, boolean[] dropped, SparseRows out) {
    out.clear();
    for (int r = 0; r < truth.rows(); r++) {
      addRest(truth, r, latent -> dropped[latent], out);
      out.endRow();
    }
  }

  /**
   * Guesses for the latents of S in place of the true ones. The result is relative to the defaults:
   * row · W_dec + {@link GuessDefaults#output} is the decoded mixture.
   */
  void mix(SparseRows truth, SparseRows guesses, GuessDefaults defaults, SparseRows out) {
    out.clear();
    for (int r = 0; r < truth.rows(); r++) {
      for (int p = guesses.start(r); p < guesses.start(r + 1); p++) {
        int latent = guesses.latent(p);
        float excess = guesses.value(p) - defaults.value(latent);
        if (defaults.isChosen(latent) && excess != 0) {
          out.add(latent, excess);
        }
      }
      addRest(truth, r, defaults::isChosen, out);
      out.endRow();
    }
  }

  /**
   * As {@link #mix}, then the k largest of the mixture kept (ties to the lowest latent) and the
   * rest zeroed. The result is absolute: of the defaults only {@link GuessDefaults#offset} is to be
   * added to it.
   */
  void mixAndReselect(
      SparseRows truth, SparseRows guesses, GuessDefaults defaults, SparseRows out) {
    out.clear();
    for (int r = 0; r < truth.rows(); r++) {
      stamp++;
      kept = 0;
      for (int p = guesses.start(r); p < guesses.start(r + 1); p++) {
        int latent = guesses.latent(p);
        if (defaults.isChosen(latent)) {
          lastSeen[latent] = stamp;
          offer(latent, guesses.value(p));
        }
      }
      for (int p = truth.start(r); p < truth.start(r + 1); p++) {
        if (!defaults.isChosen(truth.latent(p))) {
          offer(truth.latent(p), truth.value(p));
        }
      }
      for (int latent : defaults.descending()) {
        if (lastSeen[latent] != stamp && !offer(latent, defaults.value(latent))) {
          break;
        }
      }
      for (int i = 0; i < kept; i++) {
        out.add(bestLatents[i], bestValues[i]);
      }
      out.endRow();
    }
  }

  /**
   * Every row's true values on as many distinct latents drawn uniformly.
   *
   * @param rowKeys identity of each row (not its place in the batch), so that batching does not
   *     change the draw
   */
  void scatter(SparseRows truth, long[] rowKeys, long seed, SparseRows out) {
    out.clear();
    for (int r = 0; r < truth.rows(); r++) {
      SplittableRandom random = Seeds.stream(seed, "rewrite-random-latents", rowKeys[r]);
      stamp++;
      for (int p = truth.start(r); p < truth.start(r + 1); p++) {
        int latent = random.nextInt(latents);
        while (lastSeen[latent] == stamp) {
          latent = random.nextInt(latents);
        }
        lastSeen[latent] = stamp;
        out.add(latent, truth.value(p));
      }
      out.endRow();
    }
  }

  private static void addRest(SparseRows truth, int row, IntPredicate replaced, SparseRows out) {
    for (int p = truth.start(row); p < truth.start(row + 1); p++) {
      if (!replaced.test(truth.latent(p))) {
        out.add(truth.latent(p), truth.value(p));
      }
    }
  }

  /**
   * Keeps a positive candidate while it is among the k best so far.
   *
   * @return whether it was kept
   */
  private boolean offer(int latent, float value) {
    if (!(value > 0) || (kept == k && !before(value, latent, k - 1))) {
      return false;
    }
    int at = kept == k ? k - 1 : kept++;
    while (at > 0 && before(value, latent, at - 1)) {
      bestValues[at] = bestValues[at - 1];
      bestLatents[at] = bestLatents[at - 1];
      at--;
    }
    bestValues[at] = value;
    bestLatents[at] = latent;
    return true;
  }

  /**
   * Whether a candidate comes before the kept one at {@code place}: larger, or as large with a
   * lower index.
   */
  private boolean before(float value, int latent, int place) {
    return value > bestValues[place] || (value == bestValues[place] && latent < bestLatents[place]);
  }
}
