package dev.palimpsest.latents;

/**
 * A short stretch of one row of a cache, with one latent's activations.
 *
 * @param row row of the cache
 * @param start first position in the row
 * @param activations [length] of the latent; 0 where it is silent
 */
@SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
public record LatentWindow(int row, int start, float[] activations) {
  /** Number of tokens. */
  public int length() {
    return activations.length;
  }

  /** The largest activation. */
  public float maximum() {
    float maximum = 0;
    for (float activation : activations) {
      maximum = Math.max(maximum, activation);
    }
    return maximum;
  }
}
