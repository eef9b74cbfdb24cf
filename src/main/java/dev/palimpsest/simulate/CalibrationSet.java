package dev.palimpsest.simulate;

/**
 * All calibrations of a coder's latents under one protocol, and what else its pass over the
 * calibration text measured.
 *
 * @param tokens calibration tokens that counted
 * @param means of the module's output and of the latents over these tokens
 * @param maxima [M] each latent's maximum over the latent cache
 * @param densities [M] share of the calibration tokens at which the latent fires
 * @param borrowed [M] whether the latent fires too rarely there and has the maps of all latents
 *     pooled
 * @param quantile [M]
 * @param conditionalMean [M]
 */
@SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
public record CalibrationSet(
    long tokens,
    CalibrationMeans means,
    float[] maxima,
    float[] densities,
    boolean[] borrowed,
    CalibrationMap[] quantile,
    CalibrationMap[] conditionalMean) {
  /** The map of one latent. */
  public CalibrationMap map(Calibration calibration, int latent) {
    return switch (calibration) {
      case NONE -> CalibrationMap.linear(maxima[latent]);
      case QUANTILE -> quantile[latent];
      case CONDITIONAL_MEAN -> conditionalMean[latent];
    };
  }
}
