package dev.palimpsest.simulate;

/**
 * How well an explanation tells the windows in which its latent fires from others (detection; Paulo
 * et al. 2024).
 *
 * @param latent 0-based
 * @param balancedAccuracy mean of the two rates; 0.5 is chance
 * @param truePositiveRate share of the activating windows said to match
 * @param trueNegativeRate share of the silent windows said not to match
 * @param correlation Pearson's, of rating and activation over all tokens of the windows judged; 0
 *     where either is constant
 * @param activating number of activating windows judged
 * @param silent number of silent windows judged
 */
public record LatentScore(
    int latent,
    double balancedAccuracy,
    double truePositiveRate,
    double trueNegativeRate,
    double correlation,
    int activating,
    int silent) {
  /** Refuses what is no rate. */
  public LatentScore {
    if (latent < 0
        || !isRate(balancedAccuracy)
        || !isRate(truePositiveRate)
        || !isRate(trueNegativeRate)) {
      throw new IllegalArgumentException("the rates of latent " + latent + " must be in [0, 1]");
    }
  }

  private static boolean isRate(double value) {
    return value >= 0 && value <= 1;
  }
}
