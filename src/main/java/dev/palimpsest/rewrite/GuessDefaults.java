package dev.palimpsest.rewrite;

import java.util.Optional;
import java.util.stream.IntStream;

/**
 * What a predictor says of the chosen latents S wherever it reports no exception: the same for
 * every token, so decoded and sorted once.
 */
final class GuessDefaults {
  private final float[] values;
  private final boolean[] chosen;
  private final int[] descending;
  private final float[] output;
  private final Optional<float[]> offset;

  /** A row of the decoder [d]. */
  @FunctionalInterface
  interface DecoderRows {
    float[] row(int latent);
  }

  /**
   * @param values the predictor's defaults [M]
   * @param offsets what is added at every token in units of the decoder rows [M], or empty
   * @param chosen whether a latent is in S [M]
   * @param width d
   */
  GuessDefaults(float[] values, float[] offsets, boolean[] chosen, int width, DecoderRows decoder) {
    this.values = values;
    this.chosen = chosen;
    descending =
        IntStream.range(0, values.length)
            .filter(i -> chosen[i] && values[i] > 0)
            .boxed()
            .sorted((a, b) -> Float.compare(values[b], values[a]))
            .mapToInt(Integer::intValue)
            .toArray();
    int[] shifted =
        IntStream.range(0, offsets.length).filter(i -> chosen[i] && offsets[i] != 0).toArray();
    double[] shift = decoded(shifted, offsets, width, decoder);
    double[] sum = decoded(descending, values, width, decoder);
    for (int j = 0; j < width; j++) {
      sum[j] += shift[j];
    }
    output = floats(sum);
    offset = shifted.length == 0 ? Optional.empty() : Optional.of(floats(shift));
  }

  private static double[] decoded(int[] latents, float[] factors, int width, DecoderRows decoder) {
    double[] sum = new double[width];
    for (int latent : latents) {
      float[] row = decoder.row(latent);
      for (int j = 0; j < width; j++) {
        sum[j] += (double) factors[latent] * row[j];
      }
    }
    return sum;
  }

  private static float[] floats(double[] values) {
    float[] floats = new float[values.length];
    for (int j = 0; j < floats.length; j++) {
      floats[j] = (float) values[j];
    }
    return floats;
  }

  /** The default of a latent. */
  float value(int latent) {
    return values[latent];
  }

  /** Whether a latent is in S. */
  boolean isChosen(int latent) {
    return chosen[latent];
  }

  /**
   * The latents of S with a default above 0, largest default first, ties to the lowest index; not a
   * copy.
   */
  int[] descending() {
    return descending;
  }

  /** The sum over S of offset × decoder row [d], where there are offsets; not a copy. */
  Optional<float[]> offset() {
    return offset;
  }

  /** The sum over S of (default + offset) × decoder row [d]; not a copy. */
  float[] output() {
    return output;
  }
}
