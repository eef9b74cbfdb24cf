package dev.palimpsest.simulate;

import java.util.Arrays;

/**
 * A monotone map from rating to activation: exact at the ratings it was fitted on, linear between
 * them, constant beyond.
 *
 * @param ratings [n ≥ 1] strictly ascending
 * @param activations [n] ascending, in the latent's own units
 */
@SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
public record CalibrationMap(float[] ratings, float[] activations) {
  /** The activation a rating stands for. */
  public float apply(float rating) {
    int at = Arrays.binarySearch(ratings, rating);
    if (at >= 0) {
      return activations[at];
    }
    int above = -at - 1;
    if (above == 0) {
      return activations[0];
    }
    if (above == ratings.length) {
      return activations[above - 1];
    }
    float share = (rating - ratings[above - 1]) / (ratings[above] - ratings[above - 1]);
    return activations[above - 1] + share * (activations[above] - activations[above - 1]);
  }

  /** The map of another latent, whose activations are {@code factor} times as high. */
  CalibrationMap scaled(float factor) {
    float[] scaled = activations.clone();
    for (int i = 0; i < scaled.length; i++) {
      scaled[i] *= factor;
    }
    return new CalibrationMap(ratings, scaled);
  }

  /** Whatever the rating, no activation. */
  static CalibrationMap silent() {
    return new CalibrationMap(new float[] {0}, new float[] {0});
  }

  /** r/10 of the maximum. */
  static CalibrationMap linear(float maximum) {
    return new CalibrationMap(new float[] {0, 10}, new float[] {0, maximum});
  }
}
