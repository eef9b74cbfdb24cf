package dev.palimpsest.rewrite;

import java.util.stream.IntStream;

/**
 * What a predictor says of the chosen latents wherever it reports no exception: the same for every token, so decoded
 * and sorted once.
 *
 * @param values the predictor's defaults [M]
 * @param chosen whether a latent is in S [M]
 * @param descending the latents of S with a default above 0, largest default first, ties to the lowest index
 * @param output sum over S of default × decoder row [d]
 */
record GuessDefaults(float[] values, boolean[] chosen, int[] descending, float[] output) {

  /** A row of the decoder [d]. */
  @FunctionalInterface
  interface DecoderRows {
    float[] row(int latent);
  }

  /** Prepares the defaults of the latents in {@code chosen}. */
  static GuessDefaults of(float[] values, boolean[] chosen, int width, DecoderRows decoder) {
    int[] descending =
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
    float[] output = new float[width];
    for (int j = 0; j < width; j++) {
      output[j] = (float) sum[j];
    }
    return new GuessDefaults(values, chosen, descending, output);
  }
}
