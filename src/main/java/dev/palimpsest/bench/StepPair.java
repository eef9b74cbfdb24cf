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

  /** Our step on x and y [rows, d]; returns the batch's FVU, NaN for one without variance. */
  double ours(FloatPointer x, FloatPointer y, long rows) {
    return trainer.step(x, y, rows).fvu().orElse(Double.NaN);
  }

  /** The eager step on x and y [rows, d]; returns the batch's FVU. */
  double eager(Tensor x, Tensor y) {
    return eager.run(x, y);
  }

  @Override
  public void close() {
    eager.close();
    trainer.close();
    coder.close();
  }
}
