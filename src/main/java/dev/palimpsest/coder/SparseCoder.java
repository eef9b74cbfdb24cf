package dev.palimpsest.coder;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Seeds;
import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.kernels.CoderParameters;
import dev.palimpsest.kernels.Workspace;
import java.nio.file.Path;
import java.util.Optional;
import java.util.SplittableRandom;
import org.bytedeco.javacpp.FloatPointer;

/**
 * A sparse autoencoder or (skip) transcoder with its weights in native memory (Paulo & Belrose,
 * arXiv 2501.18838; Gao et al., arXiv 2406.04093 for top-k):
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
  private final CoderConfig config;
  private final ParameterSet parameters;
  private final boolean ownsParameters;
  private final CoderKernels kernels = CoderKernels.cpu();
  private final CoderParameters handle;
  private final Workspace workspace = new Workspace(kernels.memory());

  private SparseCoder(CoderConfig config, ParameterSet parameters, boolean ownsParameters) {
    this.config = config;
    this.parameters = parameters;
    this.ownsParameters = ownsParameters;
    this.handle = parameters.asCoder(config);
  }

  /** A coder that takes over {@code parameters} and closes them with itself. */
  public static SparseCoder of(CoderConfig config, ParameterSet parameters) {
    return new SparseCoder(config, parameters, true);
  }

  /**
   * Reads a folder with {@code cfg.json} and {@code sae.safetensors}; see {@link #find} for the
   * names it may have.
   *
   * @throws PalimpsestException naming file, tensor or key, found and expected
   */
  public static SparseCoder load(Path folder) {
    CoderFiles.Loaded loaded = CoderFiles.read(find(folder));
    return of(loaded.config(), loaded.parameters());
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
   */
  public static SparseCoder initialise(CoderConfig config, long seed) {
    SparseCoder coder = of(config, new ParameterSet(config));
    double bound = 1 / Math.sqrt(config.width());
    SplittableRandom random = Seeds.stream(seed, "coder.encoder");
    float[] row = new float[config.width()];
    FloatPointer encoder = coder.encoder();
    FloatPointer decoder = coder.decoder();
    try (FloatPointer encoderRow = new FloatPointer(encoder);
        FloatPointer decoderRow = new FloatPointer(decoder)) {
      for (long latent = 0; latent < config.numLatents(); latent++) {
        for (int i = 0; i < row.length; i++) {
          row[i] = (float) ((2 * random.nextDouble() - 1) * bound);
        }
        encoderRow.position(latent * row.length).put(row);
        if (!config.transcode()) {
          decoderRow.position(latent * row.length).put(row);
        }
      }
    }
    if (config.unitNormDecoder()) {
      coder.kernels.normalizeRows(decoder, config.numLatents(), config.width());
    }
    return coder;
  }

  /** A coder over the same weights, whose closing leaves them alone. */
  public SparseCoder view() {
    return new SparseCoder(config, parameters, false);
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
   * Writes {@code cfg.json} and {@code sae.safetensors}, each whole or not at all.
   *
   * @throws PalimpsestException naming the file when it cannot be written
   */
  public void save(Path folder) {
    CoderFiles.write(folder, config, parameters);
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
    try (FloatPointer pointer = new FloatPointer(decoder())) {
      pointer.position((long) latent * row.length).get(row);
    }
    return row;
  }

  @Override
  public void close() {
    handle.close();
    workspace.close();
    if (ownsParameters) {
      parameters.close();
    }
  }
}
