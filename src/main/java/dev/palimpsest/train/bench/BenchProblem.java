package dev.palimpsest.train.bench;

import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.kernels.NativeArrays;
import dev.palimpsest.tensor.Device;
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
  private final Device device;
  private final SparseCoder coder;
  private final CoderTrainer trainer;
  private final SparseActivations latents;
  private final NativeArrays memory;
  private final FloatPointer output;
  private final Tensor inputs;
  private final Tensor targets;
  private final FloatPointer x;
  private final FloatPointer y;
  private final Tensor encoder;
  private final Tensor transposed;
  private final Tensor product;
  private final EagerStep eager;

  BenchProblem(BenchShape shape, Device device) {
    this.shape = shape;
    this.device = device;
    Tensors.useThreads(shape.threads());
    CoderKernels.cpu().setThreads(shape.threads());
    coder =
        SparseCoder.initialise(
            CoderConfig.transcoder(shape.width(), shape.latents(), shape.k(), false), SEED, device);
    trainer =
        new CoderTrainer(
            coder,
            OptimizerConfig.of(Optimizer.ADAM).withLearningRate(LEARNING_RATE).withWarmupSteps(0),
            TOTAL_STEPS);
    latents = new SparseActivations(device.memory(), shape.batch(), shape.k());
    memory = new NativeArrays(device.memory());
    output = memory.floats((long) shape.batch() * shape.width());
    encoder = device.view(coder.encoder(), shape.latents(), shape.width());
    try (Tensor onHost = encoder.cpu();
        SyntheticBatch batch = new SyntheticBatch(onHost, shape, SEED)) {
      inputs = device.place(batch.inputs().alias());
      targets = device.place(batch.targets().alias());
    }
    x = device.data(inputs);
    y = device.data(targets);
    transposed = encoder.t();
    product = device.empty(torch.ScalarType.Float, shape.batch(), shape.latents());
    try (Tensor encoderBias = device.view(coder.encoderBias(), shape.latents());
        Tensor decoder = device.view(coder.decoder(), shape.latents(), shape.width());
        Tensor decoderBias = device.view(coder.decoderBias(), shape.width())) {
      eager = new EagerStep(shape, LEARNING_RATE, encoder, encoderBias, decoder, decoderBias);
    }
  }

  /** The bare product x W_enc^T, [B, M], by libtorch. */
  void product() {
    torch.mm_out(product, inputs, transposed);
    device.finish();
  }

  /** The exact top k of the batch. */
  void encode() {
    coder.encode(x, shape.batch(), latents);
    device.finish();
  }

  /** The output for the latents of the last {@link #encode}. */
  void decode() {
    coder.decode(latents, x, output);
    device.finish();
  }

  /** A whole training step of ours; returns the FVU. */
  double step() {
    return trainer.step(x, y, shape.batch()).fvu();
  }

  /** A whole training step of eager libtorch; returns the FVU. */
  double eagerStep() {
    return eager.run(inputs, targets);
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
    inputs.close();
    targets.close();
    memory.close();
    latents.close();
    trainer.close();
    coder.close();
  }
}
