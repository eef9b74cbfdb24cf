package dev.palimpsest.rewrite;

/**
 * What one batch of windows has cost under every variant: sums over each window's counted tokens,
 * in nats, and the squared error of what the variant put in the module's place.
 */
final class BatchLosses {
  private final long[] windows;
  private final int[] tokens;
  private final double[][] crossEntropy;
  private final double[][] divergence;
  private final double[][] squaredError;

  /** Nothing yet. */
  BatchLosses(int variants, long[] windows, int[] tokens) {
    this.windows = windows;
    this.tokens = tokens;
    crossEntropy = new double[variants][windows.length];
    divergence = new double[variants][windows.length];
    squaredError = new double[variants][windows.length];
  }

  /** Adds the losses of one counted token. */
  void add(int variant, int window, double ce, double kl) {
    crossEntropy[variant][window] += ce;
    divergence[variant][window] += kl;
  }

  /** Says how far a variant's outputs in a window are from the module's: sum of |y - y'|². */
  void error(int variant, int window, double squared) {
    squaredError[variant][window] = squared;
  }

  /** Makes one variant's losses in a window those of another that put the same there. */
  void copy(int from, int to, int window) {
    crossEntropy[to][window] = crossEntropy[from][window];
    divergence[to][window] = divergence[from][window];
    squaredError[to][window] = squaredError[from][window];
  }

  int variants() {
    return crossEntropy.length;
  }

  /** Index of each window in its split; not a copy. */
  long[] windows() {
    return windows;
  }

  /** Counted tokens by window; not a copy. */
  int[] tokens() {
    return tokens;
  }

  /** [variants][windows]; not a copy. */
  double[][] crossEntropy() {
    return crossEntropy;
  }

  /** Squared error of the outputs [variants][windows]; not a copy. */
  double[][] squaredError() {
    return squaredError;
  }

  /** KL(un-spliced ‖ variant) [variants][windows]; not a copy. */
  double[][] divergence() {
    return divergence;
  }
}
