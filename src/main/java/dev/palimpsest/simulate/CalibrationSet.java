package dev.palimpsest.simulate;

import dev.palimpsest.base.PalimpsestException;
import java.util.Optional;

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
 * @param hurdle [M]; empty in files of before there was one
 * @param joint empty where it was not asked for
 */
@SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
public record CalibrationSet(
    long tokens,
    CalibrationMeans means,
    float[] maxima,
    float[] densities,
    boolean[] borrowed,
    CalibrationMap[] quantile,
    CalibrationMap[] conditionalMean,
    Optional<CalibrationMap[]> hurdle,
    Optional<JointFit> joint) {
  /** The same with a joint fit. */
  CalibrationSet with(JointFit fit) {
    return new CalibrationSet(
        tokens,
        means,
        maxima,
        densities,
        borrowed,
        quantile,
        conditionalMean,
        hurdle,
        Optional.of(fit));
  }

  /**
   * What is added to the output at every token, in units of each latent's decoder row.
   *
   * @return [M], or empty where nothing is
   */
  float[] offsets(Calibration calibration) {
    return calibration == Calibration.JOINT ? fitted(joint, calibration).offset() : new float[0];
  }

  private static <T> T fitted(Optional<T> found, Calibration calibration) {
    return found.orElseThrow(
        () ->
            new PalimpsestException(
                "these calibrations were fitted without '"
                    + calibration.label()
                    + "': run simulate again with it among rewrite.calibrations"));
  }

  /**
   * The map of one latent.
   *
   * @throws PalimpsestException where the calibration was not fitted
   */
  public CalibrationMap map(Calibration calibration, int latent) {
    return switch (calibration) {
      case NONE -> CalibrationMap.linear(maxima[latent]);
      case QUANTILE -> quantile[latent];
      case CONDITIONAL_MEAN -> conditionalMean[latent];
      case HURDLE -> fitted(hurdle, calibration)[latent];
      case JOINT -> conditionalMean[latent].scaled(fitted(joint, calibration).scale()[latent]);
    };
  }
}
