package dev.palimpsest.latents;

/**
 * Where one latent fired, in ascending order of (row, position).
 *
 * @param latent 0-based
 * @param rows [n] row of the cache
 * @param positions [n] position in the row
 * @param activations [n] above 0
 */
@SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
public record LatentRecord(int latent, int[] rows, int[] positions, float[] activations) {
  /** How often it fired. */
  public int count() {
    return rows.length;
  }

  /** The largest activation; 0 where it never fired. */
  public float maximum() {
    float maximum = 0;
    for (float activation : activations) {
      maximum = Math.max(maximum, activation);
    }
    return maximum;
  }
}
