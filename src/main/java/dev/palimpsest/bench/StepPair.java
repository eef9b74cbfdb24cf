package dev.palimpsest.bench;

import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.train.CoderTrainer;
import dev.palimpsest.train.Optimizer;
import dev.palimpsest.train.OptimizerConfig;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Tensor;

/**
 * The same coder twice, trained by Adam: once by our step, once by eager libtorch. Takes over the
 * coder.
 */
final class StepPair implements AutoCloseable {
  private static final double LEARNING_RATE = 1e-4;
  private static final long TOTAL_STEPS = 1_000_000;

  private final SparseCoder coder;
  private final CoderTrainer trainer;
  private final EagerStep eager;

  StepPair(SparseCoder coder, Device device) {
    this.coder = coder;
    this.trainer =
        new CoderTrainer(
            coder,
            OptimizerConfig.of(Optimizer.ADAM).withLearningRate(LEARNING_RATE).withWarmupSteps(0),
            TOTAL_STEPS);
    this.eager = new EagerStep(coder, device, LEARNING_RATE);
  }

  SparseCoder coder() {
    return coder;
  }

  /**
   * Our steps on x and y [rows, d], queued where that is possible, and waited for.
   *
   * @return the batch's FVU in the last of them, NaN for one without variance
   */
  double ours(FloatPointer x, FloatPointer y, long rows, int count) {
    for (int i = 0; i < count; i++) {
      trainer.queue(x, y, rows);
    }
    return trainer.settle().get(count - 1).fvu().orElse(Double.NaN);
  }

  /** The same by eager steps. */
  double eager(Tensor x, Tensor y, int count) {
    return eager.run(x, y, count);
  }

  @Override
  public void close() {
    eager.close();
    trainer.close();
    coder.close();
  }
}
