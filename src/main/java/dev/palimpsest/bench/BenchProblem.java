package dev.palimpsest.bench;

import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.kernels.NativeArrays;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Tensors;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * A coder, a batch and yardsticks, ready to be run: a transcoder, trained by Adam. Not for use by
 * two threads at once.
 */
final class BenchProblem implements AutoCloseable {
  private static final long SEED = 1;

  /** Steps that are queued on a GPU before one is waited for, as training queues them. */
  private static final int QUEUED = 20;

  private final BenchShape shape;
  private final Device device;
  private final StepPair steps;
  private final SparseActivations latents;
  private final NativeArrays memory;
  private final FloatPointer output;
  private final BenchBatch batch;
  private final FloatPointer x;
  private final FloatPointer y;
  private final Tensor encoder;
  private final Tensor transposed;
  private final Tensor product;

  private BenchProblem(
      BenchShape shape, Device device, SparseCoder coder, Tensor encoder, BenchBatch batch) {
    this.shape = shape;
    this.device = device;
    this.batch = batch;
    this.encoder = encoder;
    steps = new StepPair(coder, device);
    latents = new SparseActivations(device.memory(), shape.batch(), shape.k());
    memory = new NativeArrays(device.memory());
    output = memory.floats((long) shape.batch() * shape.width());
    x = device.data(batch.inputs());
    y = device.data(batch.targets());
    transposed = encoder.t();
    product = device.empty(torch.ScalarType.Float, shape.batch(), shape.latents());
  }

  /** A new coder without skip connection, and heavy-tailed, clustered rows. */
  static BenchProblem synthetic(BenchShape shape, Device device) {
    useThreads(shape);
    SparseCoder coder =
        SparseCoder.initialise(
            CoderConfig.transcoder(shape.width(), shape.latents(), shape.k(), false), SEED, device);
    Tensor encoder = encoder(coder, device);
    try (Tensor onHost = encoder.cpu();
        BenchBatch batch = SyntheticBatch.of(onHost, shape, SEED)) {
      return new BenchProblem(shape, device, coder, encoder, batch.on(device));
    }
  }

  /** A trained coder and rows of the activations it belongs to; takes over the coder alone. */
  static BenchProblem trained(
      SparseCoder coder, BenchBatch batch, BenchShape shape, Device device) {
    useThreads(shape);
    return new BenchProblem(shape, device, coder, encoder(coder, device), batch.on(device));
  }

  private static void useThreads(BenchShape shape) {
    Tensors.useThreads(shape.threads());
    CoderKernels.cpu().setThreads(shape.threads());
  }

  private static Tensor encoder(SparseCoder coder, Device device) {
    return device.view(coder.encoder(), coder.config().numLatents(), coder.config().width());
  }

  /** The bare product x W_enc^T, [B, M], by libtorch. */
  void product() {
    torch.mm_out(product, batch.inputs(), transposed);
    device.finish();
  }

  /** The exact top k of the batch. */
  void encode() {
    steps.coder().encode(x, shape.batch(), latents);
    device.finish();
  }

  /** The output for the latents of the last {@link #encode}. */
  void decode() {
    steps.coder().decode(latents, x, output);
    device.finish();
  }

  /**
   * How many steps are to be timed together: one where a step is done when its call returns, more
   * where steps are queued.
   */
  int together() {
    return device.kernels().stepKernels().isPresent() ? QUEUED : 1;
  }

  /** Whole training steps of ours, {@link #together} of them; returns the last one's FVU. */
  double steps() {
    return steps.ours(x, y, shape.batch(), together());
  }

  /** The same number of steps of eager libtorch; returns the last one's FVU. */
  double eagerSteps() {
    return steps.eager(batch.inputs(), batch.targets(), together());
  }

  /** A whole training step of ours, waited for; returns the FVU. */
  double step() {
    return steps.ours(x, y, shape.batch(), 1);
  }

  /** A whole training step of eager libtorch, waited for; returns the FVU. */
  double eagerStep() {
    return steps.eager(batch.inputs(), batch.targets(), 1);
  }

  /** Parameters, optimiser state and the batch's own activations (x, y, y_hat, latents). */
  long neededBytes() {
    long activations = shape.batch() * (3L * shape.width() + 2L * shape.k());
    return 3 * steps.coder().parameters().totalBytes() + Float.BYTES * activations;
  }

  /** What a step of ours uses: the above and the kernels' scratch, the only other memory. */
  long peakBytes() {
    return neededBytes() + steps.coder().workspace().bytes();
  }

  @Override
  public void close() {
    product.close();
    transposed.close();
    encoder.close();
    steps.close();
    batch.close();
    memory.close();
    latents.close();
  }
}
