package dev.palimpsest.evaluate;

import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Tensors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The untouched model's predictions at the counted positions of a batch, against which a variant's
 * are measured.
 */
public final class CleanPredictions implements AutoCloseable {
  /** Elements of one block of log-probabilities: a few MB, so that a block stays in cache. */
  private static final long BLOCK = 1L << 20;

  /** The same where there is no such cache: enough to keep a GPU busy. */
  private static final long DEVICE_BLOCK = 1L << 27;

  private final long rows;
  private final long block;
  private final Tensor targets;
  private final Tensor probabilities;
  private final float[] negativeEntropy;
  private final float[] crossEntropy;

  /** Receives the losses of one counted position. */
  @FunctionalInterface
  public interface Sink {
    /**
     * @param row 0-based counted position of the batch
     * @param ce cross-entropy of its target, nats
     * @param kl KL(clean ‖ variant), nats
     */
    void accept(int row, double ce, double kl);
  }

  /**
   * @param logits of the untouched model [n, V]; not kept
   * @param targetIds [n]
   * @param device of the logits
   */
  CleanPredictions(Tensor logits, long[] targetIds, Device device) {
    try (PointerScope scope = new PointerScope()) {
      rows = targetIds.length;
      block = Math.max(1, (device.isHost() ? BLOCK : DEVICE_BLOCK) / logits.size(1));
      targets = device.of(targetIds, rows, 1);
      Tensor logProbabilities = torch.log_softmax(logits, 1);
      crossEntropy = Tensors.toArray(logProbabilities.gather(1, targets).neg());
      probabilities = Tensors.keep(logProbabilities.exp());
      negativeEntropy = Tensors.toArray(logProbabilities.mul_(probabilities).sum(1));
    }
  }

  /** The untouched model's own losses: KL 0. */
  public void own(Sink sink) {
    for (int r = 0; r < rows; r++) {
      sink.accept(r, crossEntropy[r], 0);
    }
  }

  /**
   * A variant's losses.
   *
   * @param logits [n, V]
   */
  public void losses(Tensor logits, Sink sink) {
    for (long from = 0; from < rows; from += block) {
      try (PointerScope scope = new PointerScope()) {
        long count = Math.min(block, rows - from);
        Tensor logProbabilities = torch.log_softmax(logits.narrow(0, from, count), 1);
        float[] ce = Tensors.toArray(logProbabilities.gather(1, targets.narrow(0, from, count)));
        float[] cross =
            Tensors.toArray(logProbabilities.mul_(probabilities.narrow(0, from, count)).sum(1));
        for (int r = 0; r < count; r++) {
          int row = (int) from + r;
          // Never below 0 but for rounding; NaN passes.
          double kl = Math.max(0, (double) negativeEntropy[row] - cross[r]);
          sink.accept(row, -ce[r], kl);
        }
      }
    }
  }

  @Override
  public void close() {
    targets.close();
    probabilities.close();
  }
}
