package dev.palimpsest.evaluate;

import java.util.Arrays;

/**
 * How often latents fire: the distribution over latents of the share of tokens at which each is
 * above 0.
 *
 * @param mean over all latents
 * @param p10 the 10th percentile
 * @param median the 50th
 * @param p90 the 90th
 * @param maximum of all latents
 * @param fractionAbove1Percent share of the latents that fire at more than 1 % of the tokens
 * @param fractionAbove10Percent share of the latents that fire at more than 10 % of the tokens
 */
public record FeatureDensity(
    double mean,
    double p10,
    double median,
    double p90,
    double maximum,
    double fractionAbove1Percent,
    double fractionAbove10Percent) {
  /**
   * @param densities one share per latent, at least one
   */
  static FeatureDensity of(double[] densities) {
    double[] sorted = densities.clone();
    Arrays.sort(sorted);
    return new FeatureDensity(
        Arrays.stream(sorted).average().orElse(0),
        at(sorted, 0.1),
        at(sorted, 0.5),
        at(sorted, 0.9),
        sorted[sorted.length - 1],
        above(sorted, 0.01),
        above(sorted, 0.1));
  }

  private static double at(double[] sorted, double quantile) {
    return sorted[(int) Math.round(quantile * (sorted.length - 1))];
  }

  private static double above(double[] densities, double threshold) {
    return (double) Arrays.stream(densities).filter(density -> density > threshold).count()
        / densities.length;
  }
}
