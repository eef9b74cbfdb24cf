package dev.palimpsest.rewrite;

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

  /** A row of the decoder [d]. */
  @FunctionalInterface
  interface DecoderRows {
    float[] row(int latent);
  }

  /**
   * @param values the predictor's defaults [M]
   * @param chosen whether a latent is in S [M]
   * @param width d
   */
  GuessDefaults(float[] values, boolean[] chosen, int width, DecoderRows decoder) {
    this.values = values;
    this.chosen = chosen;
    descending =
        IntStream.range(0, values.length)
            .filter(i -> chosen[i] && values[i] > 0)
            .boxed()
            .sorted((a, b) -> Float.compare(values[b], values[a]))
            .mapToInt(Integer::intValue)
            .toArray();
    double[] sum = new double[width];
    for (int latent : descending) {
      float[] row = decoder.row(latent);
      for (int j = 0; j < width; j++) {
        sum[j] += (double) values[latent] * row[j];
      }
    }
    output = new float[width];
    for (int j = 0; j < width; j++) {
      output[j] = (float) sum[j];
    }
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

  /** The sum over S of default × decoder row [d]; not a copy. */
  float[] output() {
    return output;
  }
}
