package dev.palimpsest.train.bench;

import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.tensor.Tensors;
import dev.palimpsest.train.CoderTrainer;
import dev.palimpsest.train.Optimizer;
import dev.palimpsest.train.OptimizerConfig;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * One shape's coder, batch and yardsticks, ready to be run: a transcoder without skip connection,
 * trained by Adam. Not for use by two threads at once.
 */
final class BenchProblem implements AutoCloseable {
  private static final long SEED = 1;
  private static final double LEARNING_RATE = 1e-4;
  private static final long TOTAL_STEPS = 1_000_000;

  private final BenchShape shape;
  private final SparseCoder coder;
  private final CoderTrainer trainer;
  private final SparseActivations latents;
  private final FloatPointer output;
  private final SyntheticBatch batch;
  private final FloatPointer x;
  private final FloatPointer y;
  private final Tensor encoder;
  private final Tensor transposed;
  private final Tensor product;
  private final EagerStep eager;

  BenchProblem(BenchShape shape) {
    this.shape = shape;
    Tensors.useThreads(shape.threads());
    CoderKernels.cpu().setThreads(shape.threads());
    coder =
        SparseCoder.initialise(
            CoderConfig.transcoder(shape.width(), shape.latents(), shape.k(), false), SEED);
    trainer =
        new CoderTrainer(
            coder,
            OptimizerConfig.of(Optimizer.ADAM).withLearningRate(LEARNING_RATE).withWarmupSteps(0),
            TOTAL_STEPS);
    latents = new SparseActivations(shape.batch(), shape.k());
    output = new FloatPointer((long) shape.batch() * shape.width());
    encoder = torch.from_blob(coder.encoder(), shape.latents(), shape.width());
    batch = new SyntheticBatch(encoder, shape, SEED);
    x = batch.inputs().data_ptr_float();
    y = batch.targets().data_ptr_float();
    transposed = encoder.t();
    product = torch.empty(shape.batch(), shape.latents());
    try (Tensor encoderBias = torch.from_blob(coder.encoderBias(), shape.latents());
        Tensor decoder = torch.from_blob(coder.decoder(), shape.latents(), shape.width());
        Tensor decoderBias = torch.from_blob(coder.decoderBias(), shape.width())) {
      eager = new EagerStep(shape, LEARNING_RATE, encoder, encoderBias, decoder, decoderBias);
    }
  }

  /** The bare product x W_enc^T, [B, M], by libtorch. */
  void product() {
    torch.mm_out(product, batch.inputs(), transposed);
  }

  /** The exact top k of the batch. */
  void encode() {
    coder.encode(x, shape.batch(), latents);
  }

  /** The output for the latents of the last {@link #encode}. */
  void decode() {
    coder.decode(latents, x, output);
  }

  /** A whole training step of ours; returns the FVU. */
  double step() {
    return trainer.step(x, y, shape.batch()).fvu();
  }

  /** A whole training step of eager libtorch; returns the FVU. */
  double eagerStep() {
    return eager.run(batch.inputs(), batch.targets());
  }

  /** Parameters, optimiser state and the batch's own activations (x, y, y_hat, latents). */
  long neededBytes() {
    long parameters = 2L * shape.latents() * shape.width() + shape.latents() + shape.width();
    long activations = shape.batch() * (3L * shape.width() + 2L * shape.k());
    return Float.BYTES * (3 * parameters + activations);
  }

  /** What a step of ours uses: the above and the kernels' scratch, the only other memory. */
  long peakBytes() {
    return neededBytes() + coder.workspace().bytes();
  }

  @Override
  public void close() {
    eager.close();
    product.close();
    transposed.close();
    encoder.close();
    batch.close();
    output.close();
    latents.close();
    trainer.close();
    coder.close();
  }
}
