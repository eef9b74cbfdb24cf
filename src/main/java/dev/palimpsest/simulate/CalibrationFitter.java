package dev.palimpsest.simulate;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Fits the calibrations of all latents, window by window; memory grows with the distinct ratings
 * and the true firings, not with tokens × latents. Not for concurrent use.
 */
public final class CalibrationFitter {
  /**
   * Latents that fire less often than this on the calibration text borrow from all latents pooled.
   */
  static final int FEWEST_FIRINGS = 20;

  private final Simulator simulator;
  private final RatingTally[] tallies;
  private final long[] rated;
  private final double[] ratedSum;
  private final double[] allSum;
  private long tokens;

  /**
   * @param simulator whose ratings are to be calibrated
   */
  public CalibrationFitter(Simulator simulator) {
    this.simulator = simulator;
    int latents = simulator.latents();
    tallies =
        IntStream.range(0, latents).mapToObj(i -> new RatingTally()).toArray(RatingTally[]::new);
    rated = new long[latents];
    ratedSum = new double[latents];
    allSum = new double[latents];
  }

  /**
   * Adds one window.
   *
   * @param context token ids
   * @param counts [context.length] whether the position counts (its token is not excluded)
   * @param latents [context.length][…] which latents truly fire there
   * @param activations [context.length][…] how strongly; values of 0 or less are padding
   */
  public void add(int[] context, boolean[] counts, int[][] latents, float[][] activations) {
    for (int position = 0; position < context.length; position++) {
      if (counts[position]) {
        tokens++;
        for (int i = 0; i < latents[position].length; i++) {
          if (activations[position][i] > 0) {
            tallies[latents[position][i]].fire(activations[position][i]);
            allSum[latents[position][i]] += activations[position][i];
          }
        }
      }
    }
    float[] truth = new float[simulator.latents()];
    int[] spread = {-1};
    simulator.rate(
        context,
        (position, latent, rating) -> {
          if (!counts[position]) {
            return;
          }
          if (position != spread[0]) {
            if (spread[0] >= 0) {
              gather(latents[spread[0]], truth);
            }
            spread(latents[position], activations[position], truth);
            spread[0] = position;
          }
          tallies[latent].add(rating, 1, truth[latent]);
          rated[latent]++;
          ratedSum[latent] += truth[latent];
        });
  }

  private static void spread(int[] latents, float[] activations, float[] truth) {
    for (int i = 0; i < latents.length; i++) {
      if (activations[i] > 0) {
        truth[latents[i]] = activations[i];
      }
    }
  }

  private static void gather(int[] latents, float[] truth) {
    for (int latent : latents) {
      truth[latent] = 0;
    }
  }

  /**
   * Ends the collection.
   *
   * @param maxima [M] each latent's maximum over the latent cache
   */
  public CalibrationSet fit(float[] maxima) {
    int latents = simulator.latents();
    RatingTally pooled = new RatingTally();
    for (int latent = 0; latent < latents; latent++) {
      if (tokens > rated[latent]) {
        double restSum = Math.max(0, allSum[latent] - ratedSum[latent]);
        tallies[latent].add(simulator.defaults()[latent], tokens - rated[latent], restSum);
      }
      if (simulator.explained(latent) && maxima[latent] > 0) {
        pooled.add(tallies[latent], 1.0 / maxima[latent]);
      }
    }
    CalibrationMap pooledMean = tokens == 0 ? CalibrationMap.linear(1) : pooled.conditionalMean();
    CalibrationMap pooledQuantile = tokens == 0 ? CalibrationMap.linear(1) : pooled.quantile();
    CalibrationMap[] mean = new CalibrationMap[latents];
    CalibrationMap[] quantile = new CalibrationMap[latents];
    boolean[] borrowed = new boolean[latents];
    float[] density = new float[latents];
    Arrays.parallelSetAll(
        mean,
        latent -> {
          borrowed[latent] = tallies[latent].firings() < FEWEST_FIRINGS;
          density[latent] = tokens == 0 ? 0 : tallies[latent].firings() / (float) tokens;
          quantile[latent] =
              borrowed[latent] ? pooledQuantile.scaled(maxima[latent]) : tallies[latent].quantile();
          return borrowed[latent]
              ? pooledMean.scaled(maxima[latent])
              : tallies[latent].conditionalMean();
        });
    return new CalibrationSet(tokens, maxima.clone(), density, borrowed, quantile, mean);
  }
}
