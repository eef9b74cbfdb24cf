package dev.palimpsest.evaluate;

import org.bytedeco.pytorch.Tensor;

/**
 * The untouched model's predictions at the counted positions of a batch, against which a variant's
 * are measured. One for each batch; n is the number of those positions.
 */
public abstract sealed class CleanPredictions implements AutoCloseable
    permits FusedPredictions, HeldPredictions {
  private final float[] crossEntropy;

  /** Receives the losses of one prediction. */
  @FunctionalInterface
  public interface Sink {
    /**
     * @param row 0-based row of what was measured
     * @param ce cross-entropy of its target, nats
     * @param kl KL(clean ‖ variant), nats
     */
    void accept(int row, double ce, double kl);
  }

  /**
   * @param crossEntropy of the untouched model [n]
   */
  CleanPredictions(float[] crossEntropy) {
    this.crossEntropy = crossEntropy;
  }

  /** The untouched model's own losses: KL 0. */
  public final void own(Sink sink) {
    for (int r = 0; r < crossEntropy.length; r++) {
      sink.accept(r, crossEntropy[r], 0);
    }
  }

  /**
   * A variant's losses.
   *
   * @param hidden what the last block puts out [m, d]
   * @param positions which of the n positions each row stands for [m]
   */
  abstract void losses(Tensor hidden, int[] positions, Sink sink);

  @Override
  public abstract void close();
}
