package dev.palimpsest.coder;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Seeds;
import dev.palimpsest.kernels.Addresses;
import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.kernels.CoderParameters;
import dev.palimpsest.kernels.HostMemory;
import dev.palimpsest.kernels.NativeArrays;
import dev.palimpsest.kernels.Workspace;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Precision;
import java.nio.file.Path;
import java.util.Optional;
import java.util.SplittableRandom;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * A sparse autoencoder or (skip) transcoder with its weights where its kernels work (Paulo &
 * Belrose, arXiv 2501.18838; Gao et al., arXiv 2406.04093 for top-k):
 *
 * <pre>
 *   a     = relu(W_enc (x - c) + b_enc)      c = b_dec where {@link CoderConfig#subtractDecoderBias}, else 0
 *   z     = the k kept latents of a          {@link #encode}
 *   y_hat = z W_dec + b_dec (+ W_skip x)     {@link #decode}
 * </pre>
 *
 * Encoding and decoding use scratch memory of the coder's own: one caller at a time.
 */
public final class SparseCoder implements AutoCloseable {
  /** Elements of the encoder that are drawn, or brought to the device, at a time. */
  private static final int BLOCK = 1 << 16;

  private final CoderConfig config;
  private final Device device;
  private final ParameterSet parameters;
  private final boolean ownsParameters;
  private final CoderKernels kernels;
  private final NativeArrays memory;
  private final Optional<Pointer> operands;
  private final CoderParameters handle;
  private final Workspace workspace;
  private Optional<FloatPointer> frozenDecoder = Optional.empty();
  private final NativeArrays host = new NativeArrays();

  private SparseCoder(
      CoderConfig config,
      ParameterSet parameters,
      Device device,
      boolean ownsParameters,
      Optional<Pointer> sharedOperands) {
    this.config = config;
    this.device = device;
    this.parameters = parameters;
    this.ownsParameters = ownsParameters;
    kernels = device.kernels();
    memory = new NativeArrays(device.memory());
    workspace = new Workspace(device.memory());
    operands = sharedOperands.or(this::newOperands);
    handle = parameters.asCoder(config, operands);
    if (sharedOperands.isEmpty()) {
      refresh();
    }
  }

  private Optional<Pointer> newOperands() {
    long bytes =
        device.precision() == Precision.FP32
            ? 0
            : kernels.operandsBytes(config.width(), config.numLatents());
    return bytes == 0 ? Optional.empty() : Optional.of(memory.bytes(bytes));
  }

  /** A coder on the CPU that takes over {@code parameters} and closes them with itself. */
  public static SparseCoder of(CoderConfig config, ParameterSet parameters) {
    return of(config, parameters, Device.cpu());
  }

  /**
   * A coder that takes over {@code parameters} and closes them with itself.
   *
   * @param device in whose memory the parameters are
   */
  public static SparseCoder of(CoderConfig config, ParameterSet parameters, Device device) {
    if (parameters.where() != device.memory()) {
      throw new IllegalArgumentException(
          "the parameters are not in the memory of " + device.name());
    }
    return new SparseCoder(config, parameters, device, true, Optional.empty());
  }

  /**
   * Reads a folder with {@code cfg.json} and {@code sae.safetensors}; see {@link #find} for the
   * names it may have.
   *
   * @param device where the coder will live
   * @throws PalimpsestException naming file, tensor or key, found and expected
   */
  public static SparseCoder load(Path folder, Device device) {
    CoderFiles.Loaded loaded = CoderFiles.read(find(folder), device.memory());
    return of(loaded.config(), loaded.parameters(), device);
  }

  /** {@link #load(Path, Device)} for the CPU. */
  public static SparseCoder load(Path folder) {
    return load(folder, Device.cpu());
  }

  /**
   * The coder's folder that {@code wanted} names: itself, its only subfolder, or a sibling under
   * another name in use ({@code layers.6.mlp}, {@code model.layers.6.mlp}, {@code layer_6}).
   *
   * @throws PalimpsestException when there is none, or several to choose from
   */
  public static Path find(Path wanted) {
    return CoderFolders.find(wanted);
  }

  /**
   * A new coder as training starts from: W_enc uniform in +-1/sqrt(d) (torch's {@code Linear}),
   * b_enc = b_dec = W_skip = 0; W_dec = 0 for a transcoder, W_enc (with unit rows, where these are
   * asked for) for an autoencoder.
   *
   * @param seed the same seed gives the same bits on every machine
   * @param device where the coder will live
   */
  public static SparseCoder initialise(CoderConfig config, long seed, Device device) {
    SparseCoder coder = of(config, new ParameterSet(config, device.memory()), device);
    double bound = 1 / Math.sqrt(config.width());
    SplittableRandom random = Seeds.stream(seed, "coder.encoder");
    long elements = (long) config.numLatents() * config.width();
    float[] block = new float[(int) Math.min(BLOCK, elements)];
    for (long start = 0; start < elements; start += block.length) {
      int count = (int) Math.min(block.length, elements - start);
      for (int i = 0; i < count; i++) {
        block[i] = (float) ((2 * random.nextDouble() - 1) * bound);
      }
      device.memory().put(block, Addresses.from(coder.encoder(), start), count);
      if (!config.transcode()) {
        device.memory().put(block, Addresses.from(coder.decoder(), start), count);
      }
    }
    if (config.unitNormDecoder()) {
      coder.kernels.normalizeRows(coder.decoder(), config.numLatents(), config.width());
    }
    coder.refresh();
    return coder;
  }

  /** {@link #initialise(CoderConfig, long, Device)} for the CPU. */
  public static SparseCoder initialise(CoderConfig config, long seed) {
    return initialise(config, seed, Device.cpu());
  }

  /** A coder over the same weights, whose closing leaves them alone. */
  public SparseCoder view() {
    return new SparseCoder(config, parameters, device, false, operands);
  }

  /**
   * Tells the kernels that weights were changed by anything but {@link CoderKernels#step}, so that
   * their own copy, where they have one, is made anew.
   */
  public void refresh() {
    kernels.refreshOperands(handle);
  }

  /** Where the coder lives. */
  public Device device() {
    return device;
  }

  /**
   * Selects the k latents of every row.
   *
   * @param x [rows, d]
   * @param rows 0 or more
   * @param out with the coder's k and room for the rows; holds exactly these rows afterwards
   */
  public void encode(FloatPointer x, long rows, SparseActivations out) {
    if (out.k() != config.k()) {
      throw new IllegalArgumentException(
          "activations with " + out.k() + " slots a row, the coder has k " + config.k());
    }
    out.rows(rows);
    kernels.encode(
        handle, x, rows, out.k(), config.activation(), out.values(), out.indices(), workspace);
  }

  /**
   * The output for given latents, which need not come from {@link #encode}: any values, any number
   * of slots.
   *
   * @param z rows of latents
   * @param x the coder's input [rows, d], for a skip connection; ignored (and may be a null
   *     pointer) without one
   * @param out y_hat [rows, d]
   */
  public void decode(SparseActivations z, FloatPointer x, FloatPointer out) {
    kernels.decode(
        handle,
        config.skipConnection() ? Optional.of(x) : Optional.empty(),
        z.rows(),
        z.k(),
        z.values(),
        z.indices(),
        out,
        workspace);
  }

  /**
   * The output for given latents compared with a target, for training: the gradient of the fraction
   * of variance unexplained, and its two sums. On a GPU in one pass, without writing the output.
   *
   * @param z rows of latents
   * @param x the coder's input [rows, d], as for {@link #decode}
   * @param target y [rows, d]
   * @param grad out, [rows, d]
   * @param sums out, [2]: sum |y - y_hat|^2 and sum |y - mean(y)|^2
   */
  public void decodeLoss(
      SparseActivations z,
      FloatPointer x,
      FloatPointer target,
      FloatPointer grad,
      DoublePointer sums) {
    kernels.decodeLoss(
        handle,
        config.skipConnection() ? Optional.of(x) : Optional.empty(),
        target,
        z.rows(),
        z.k(),
        z.values(),
        z.indices(),
        grad,
        sums,
        workspace);
  }

  /**
   * Writes {@code cfg.json} and {@code sae.safetensors}, each whole or not at all.
   *
   * @throws PalimpsestException naming the file when it cannot be written
   */
  public void save(Path folder) {
    CoderFiles.write(folder, config, parameters);
  }

  /**
   * Makes sure that a folder holds the coder that was written there.
   *
   * @throws dev.palimpsest.base.PalimpsestException naming the file that was damaged or replaced
   */
  public static void requireIntact(Path folder) {
    CoderSeal.require(folder);
  }

  /**
   * Copies a trained coder's files as they are.
   *
   * @param from its folder
   * @param to a folder, made if missing; a coder in it is replaced
   * @throws dev.palimpsest.base.PalimpsestException naming the file that is damaged, or cannot be
   *     read or written
   */
  public static void copy(Path from, Path to) {
    CoderFiles.copy(from, to);
  }

  /** The kernels' view of the weights, for training. */
  public CoderParameters handle() {
    return handle;
  }

  /** The coder's scratch memory, which training shares. */
  public Workspace workspace() {
    return workspace;
  }

  /** The shape and the rules. */
  public CoderConfig config() {
    return config;
  }

  /** The weights; views of this coder's memory. */
  public ParameterSet parameters() {
    return parameters;
  }

  /** W_enc [M, d]; a view. */
  public FloatPointer encoder() {
    return parameters.encoder();
  }

  /** b_enc [M]; a view. */
  public FloatPointer encoderBias() {
    return parameters.encoderBias();
  }

  /** W_dec [M, d]; a view. */
  public FloatPointer decoder() {
    return parameters.decoder();
  }

  /** b_dec [d]; a view. */
  public FloatPointer decoderBias() {
    return parameters.decoderBias();
  }

  /** W_skip [d out, d in], where there is a skip connection; a view. */
  public Optional<FloatPointer> skip() {
    return parameters.skip();
  }

  /** A heap copy of the decoder row of a latent, [d]. */
  public float[] decoderRow(int latent) {
    if (latent < 0 || latent >= config.numLatents()) {
      throw new PalimpsestException(
          "latent "
              + latent
              + " does not exist, the coder has latents 0 to "
              + (config.numLatents() - 1));
    }
    float[] row = new float[config.width()];
    device.memory().get(Addresses.from(decoder(), (long) latent * row.length), row, row.length);
    return row;
  }

  /**
   * {@link #decoderRow} of a coder whose weights no longer change: many rows are asked for, so a
   * decoder on a GPU is brought to the host whole, once.
   */
  public float[] frozenDecoderRow(int latent) {
    if (device.isHost()) {
      return decoderRow(latent);
    }
    float[] row = new float[config.width()];
    FloatPointer rows = frozenDecoder.orElseGet(this::freezeDecoder);
    HostMemory.INSTANCE.get(Addresses.from(rows, (long) latent * row.length), row, row.length);
    return row;
  }

  private FloatPointer freezeDecoder() {
    FloatPointer rows = host.floats(decoder().capacity());
    device.memory().toHost(decoder(), rows, decoder().capacity());
    frozenDecoder = Optional.of(rows);
    return rows;
  }

  @Override
  public void close() {
    handle.close();
    workspace.close();
    memory.close();
    host.close();
    if (ownsParameters) {
      parameters.close();
    }
  }
}
