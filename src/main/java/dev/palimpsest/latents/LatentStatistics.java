package dev.palimpsest.latents;

/**
 * How often and how strongly each latent fires.
 *
 * @param tokens tokens that count (not excluded)
 * @param counts [M] tokens at which the latent fired
 * @param maxima [M] its largest activation; 0 if it never fired
 */
@SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
public record LatentStatistics(long tokens, long[] counts, float[] maxima) {
  /** The share of tokens at which the latent fired. */
  public double density(int latent) {
    return tokens == 0 ? 0 : (double) counts[latent] / tokens;
  }

  /** Number of latents that fired at all. */
  public int alive() {
    int alive = 0;
    for (long count : counts) {
      alive += count > 0 ? 1 : 0;
    }
    return alive;
  }
}
