package dev.palimpsest.simulate;

/**
 * How explanations are scored.
 *
 * @param windowLength tokens of a window
 * @param quantiles classes of strength from which activating windows are drawn
 * @param perQuantile windows drawn per class
 * @param silent silent windows drawn
 * @param threshold an explanation matches a window when the simulator rates a token of it at least
 *     so high above the latent's default rating, in tenths of the maximum
 * @param seed of the draws
 */
public record ScoreConfig(
    int windowLength, int quantiles, int perQuantile, int silent, double threshold, long seed) {
  /** The paper's: 10 windows of 32 tokens from each of 10 classes, and 100 silent ones. */
  public static ScoreConfig defaults() {
    return new ScoreConfig(32, 10, 10, 100, 0.5, 0);
  }
}
