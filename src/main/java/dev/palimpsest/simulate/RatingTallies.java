package dev.palimpsest.simulate;

import dev.palimpsest.latents.LatentBatch;
import java.util.stream.IntStream;

/**
 * One simulator's ratings of the calibration text beside the true activations, tallied for each
 * latent. Memory grows with the different ratings of a latent, not with tokens. Not for concurrent
 * use.
 */
final class RatingTallies {
  private final Simulator simulator;
  private final RatingTally[] tallies;
  private final long[] rated;
  private final double[] ratedSum;
  private final long[] ratedFirings;
  private final float[] truth;

  RatingTallies(Simulator simulator) {
    this.simulator = simulator;
    int latents = simulator.latents();
    tallies =
        IntStream.range(0, latents).mapToObj(i -> new RatingTally()).toArray(RatingTally[]::new);
    rated = new long[latents];
    ratedSum = new double[latents];
    ratedFirings = new long[latents];
    truth = new float[latents];
  }

  /** Rates the windows of a batch; the positions that the batch keeps count. */
  void add(LatentBatch batch) {
    int length = batch.length();
    int[] slotOf = new int[batch.rows() * length];
    java.util.Arrays.fill(slotOf, -1);
    for (int i = 0; i < batch.kept().length; i++) {
      slotOf[batch.kept()[i]] = i * batch.k();
    }
    simulator.announce(SimulatedContext.of(batch));
    for (int row = 0; row < batch.rows(); row++) {
      int first = row * length;
      int[] spread = {-1};
      simulator.rate(
          batch.row(row),
          (position, latent, rating) -> {
            int slot = slotOf[first + position];
            if (slot < 0) {
              return;
            }
            if (slot != spread[0]) {
              gather(batch, spread[0]);
              spread(batch, slot);
              spread[0] = slot;
            }
            int fires = truth[latent] > 0 ? 1 : 0;
            tallies[latent].add(rating, 1, fires, truth[latent]);
            ratedFirings[latent] += fires;
            rated[latent]++;
            ratedSum[latent] += truth[latent];
          });
      gather(batch, spread[0]);
    }
  }

  private void spread(LatentBatch batch, int slot) {
    for (int i = slot; i < slot + batch.k(); i++) {
      if (batch.activations()[i] > 0) {
        truth[batch.latents()[i]] = batch.activations()[i];
      }
    }
  }

  /** Leaves zeros behind. */
  private void gather(LatentBatch batch, int slot) {
    for (int i = slot; slot >= 0 && i < slot + batch.k(); i++) {
      truth[batch.latents()[i]] = 0;
    }
  }

  Simulator simulator() {
    return simulator;
  }

  /** Puts everything into a state, under names that begin with a prefix. */
  void save(CalibrationState state, String prefix) {
    long[] levels = new long[tallies.length];
    int all = 0;
    for (int latent = 0; latent < levels.length; latent++) {
      levels[latent] = tallies[latent].levels();
      all = Math.addExact(all, tallies[latent].levels());
    }
    long[] ratings = new long[all];
    long[] counts = new long[all];
    long[] fired = new long[all];
    double[] sums = new double[all];
    int at = 0;
    for (RatingTally tally : tallies) {
      tally.save(at, ratings, counts, fired, sums);
      at += tally.levels();
    }
    state
        .put(prefix + "rated", rated)
        .put(prefix + "rated_sum", ratedSum)
        .put(prefix + "rated_firings", ratedFirings)
        .put(prefix + "levels", levels)
        .put(prefix + "ratings", ratings)
        .put(prefix + "counts", counts)
        .put(prefix + "fired", fired)
        .put(prefix + "sums", sums);
  }

  /** Takes everything out of a state. */
  void restore(CalibrationState state, String prefix) {
    int latents = tallies.length;
    System.arraycopy(state.longs(prefix + "rated", latents), 0, rated, 0, latents);
    System.arraycopy(state.doubles(prefix + "rated_sum", latents), 0, ratedSum, 0, latents);
    System.arraycopy(state.longs(prefix + "rated_firings", latents), 0, ratedFirings, 0, latents);
    long[] levels = state.longs(prefix + "levels", latents);
    int all = Math.toIntExact(java.util.Arrays.stream(levels).sum());
    long[] ratings = state.longs(prefix + "ratings", all);
    long[] counts = state.longs(prefix + "counts", all);
    long[] fired = state.longs(prefix + "fired", all);
    double[] sums = state.doubles(prefix + "sums", all);
    int at = 0;
    for (int latent = 0; latent < latents; latent++) {
      tallies[latent] = RatingTally.restore(at, (int) levels[latent], ratings, counts, fired, sums);
      at += (int) levels[latent];
    }
  }

  /**
   * A latent's tally with the tokens at which nothing was reported, that is, its default rating.
   * Ends the collection of this latent.
   *
   * @param tokens that counted
   * @param firings of them at which the latent fires
   * @param sum of the latent's true activations over them
   */
  RatingTally complete(int latent, long tokens, long firings, double sum) {
    if (tokens > rated[latent]) {
      tallies[latent].add(
          simulator.defaults()[latent],
          tokens - rated[latent],
          firings - ratedFirings[latent],
          Math.max(0, sum - ratedSum[latent]));
    }
    rated[latent] = tokens;
    return tallies[latent];
  }
}
