package dev.palimpsest.train;

import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.kernels.CoderKernels;
import java.util.List;
import org.bytedeco.javacpp.DoublePointer;

/**
 * How the batches of a coder in training went. On a GPU that stays on the device until it is asked
 * for ({@link QueuedRecord}), so that steps are queued ahead; else it is known at once ({@link
 * HostRecord}). Both tell the same.
 */
sealed interface BatchRecord extends AutoCloseable permits HostRecord, QueuedRecord {
  /**
   * What became of one batch.
   *
   * @param error sum |y - y_hat|^2
   * @param variance sum |y - mean(y)|^2
   * @param firings of all latents in the batch
   * @param deadFraction see {@link CoderTrainer#deadFraction}, after the batch
   */
  record Figures(double error, double variance, long firings, double deadFraction) {}

  /**
   * Takes in a batch whose kernels have been queued.
   *
   * @param sums [2] of its loss
   */
  void add(SparseActivations batch, DoublePointer sums);

  /** The figures of every batch since the last call, in order; waits for them. */
  List<Figures> take();

  /** Rows taken in; waits for nothing. */
  long tokens();

  /** The firings of all batches taken in; waits for them. Valid until the next {@link #add}. */
  FiringRecord firings();

  /** Goes on from {@link #firings}, which has been read from a file. */
  void restored();

  @Override
  void close();

  /** The record that suits some kernels. */
  static BatchRecord of(CoderKernels kernels, int latents, long deadAfterTokens) {
    FiringRecord firings = new FiringRecord(latents, deadAfterTokens);
    return kernels.stepKernels().isPresent()
        ? new QueuedRecord(kernels.stepKernels().get(), firings, deadAfterTokens)
        : new HostRecord(kernels, firings);
  }
}
