package dev.palimpsest.model;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.kernels.DenseLayer;
import dev.palimpsest.safetensors.ShardedSafeTensors;
import dev.palimpsest.safetensors.TensorReader;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Precision;
import dev.palimpsest.tensor.Tensors;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;

/**
 * A decoder-only language model, on one device. Weights never change; passes may run concurrently.
 *
 * <p>Everything is computed in float32 but, in the precision {@link Precision#BF16}, the products
 * of the dense layers: their weights are held in, and their inputs rounded to, 16 bits, and summed
 * in float32.
 *
 * <p>Hookpoints are named like the modules of the Hugging Face model without its prefix: {@code
 * layers.6.mlp}, {@code layers.6}, {@code layers.6.attention} (GPT-NeoX), {@code
 * layers.6.self_attn} (Llama and its kin), {@code h.3.attn} (GPT-2); see {@link Hookpoints}.
 */
public final class LanguageModel implements AutoCloseable {
  private final ModelConfig config;
  private final Weights weights;
  private final Device device;
  private final Precision precision;
  private final PositionTables tables;
  private final Head head;
  private final Decoder decoder;
  private final Hookpoints hookpoints;

  private LanguageModel(ModelConfig config, Weights weights, Device device, Precision precision) {
    this.config = config;
    this.device = device;
    this.precision = precision;
    this.tables = new PositionTables(device);
    this.weights = weights;
    this.head = weights.head();
    this.decoder = new Decoder(config, weights, tables, device);
    this.hookpoints = Hookpoints.of(config);
  }

  /**
   * Loads a Hugging Face folder: {@code config.json} and {@code model.safetensors}, or the files of
   * {@code model.safetensors.index.json}. In float32 weights of 16 bits are widened; in bf16
   * matrices are held in 16 bits, as most files have them.
   *
   * @param device where the model will live
   * @param precision of the dense layers' products
   * @throws dev.palimpsest.base.PalimpsestException naming the file, the key or tensor, what was
   *     found and what was expected
   */
  public static LanguageModel load(Path folder, Device device, Precision precision) {
    ModelConfig config = ModelConfig.read(folder);
    try (TensorReader reader = ShardedSafeTensors.openCheckpoint(folder)) {
      Weights weights = WeightLoader.load(config, reader, device, precision);
      return new LanguageModel(config, weights, device, precision);
    }
  }

  /** {@link #load(Path, Device, Precision)} in float32. */
  public static LanguageModel load(Path folder, Device device) {
    return load(folder, device, Precision.FP32);
  }

  /** {@link #load(Path, Device)} for the CPU. */
  public static LanguageModel load(Path folder) {
    return load(folder, Device.cpu());
  }

  /** Where the model lives: its weights, and the tensors that it takes and gives. */
  public Device device() {
    return device;
  }

  /** What the dense layers' products are computed in. */
  public Precision precision() {
    return precision;
  }

  /** The architecture. */
  public ModelConfig config() {
    return config;
  }

  /** All hookpoints, layer by layer. */
  public List<String> hookpoints() {
    return hookpoints.names();
  }

  /**
   * The block a hookpoint belongs to.
   *
   * @throws UsageException when there is no such hookpoint
   */
  public int layerOf(String hookpoint) {
    return resolve(hookpoint).layer();
  }

  /** The hookpoint of a whole block: its input is what {@link #forwardFrom} takes. */
  public String layerHookpoint(int layer) {
    return config
        .family()
        .nameOf(new Hookpoint(Objects.checkIndex(layer, config.layers()), Hookpoint.Site.LAYER));
  }

  /** The hookpoint of a block's attention. */
  public String attentionHookpoint(int layer) {
    return config
        .family()
        .nameOf(
            new Hookpoint(Objects.checkIndex(layer, config.layers()), Hookpoint.Site.ATTENTION));
  }

  /**
   * Whether Hugging Face passes this module one plain tensor, so that tools there record its input:
   * blocks, feed-forward networks, and the attention of GPT-2 and GPT-NeoX.
   */
  public boolean hasPlainInput(String hookpoint) {
    return resolve(hookpoint).site() != Hookpoint.Site.ATTENTION
        || config.family().attentionHasPlainInput();
  }

  /**
   * Makes sure that the model takes sequences of a length: only learned positions end somewhere.
   *
   * @throws UsageException where it does not
   */
  public void requireLength(int tokens) {
    if (tokens > longestSequence()) {
      throw new UsageException(
          "sequences of "
              + tokens
              + " tokens: this model has "
              + config.maxPositions()
              + " positions");
    }
  }

  /** The longest sequence that there are positions for; without an end where none are learned. */
  public int longestSequence() {
    return config.longestSequence();
  }

  /**
   * Runs the model on token ids.
   *
   * @return what the plan asked for; close it
   * @throws UsageException for an unknown hookpoint, an id outside the vocabulary, or more tokens
   *     than learned positions
   */
  public Forward forward(TokenBatch batch, HookPlan plan) {
    requireLength(batch.length());
    return forward(batch, plan, Optional.empty());
  }

  /** Room for the keys and values of {@code capacity} tokens, for {@link #extend}. */
  public CachedRun run(int capacity) {
    return new CachedRun(config, device, capacity);
  }

  /** Bytes that the keys and values of a token take. */
  public long cachedBytesOfToken() {
    return CachedRun.bytesOfToken(config);
  }

  /**
   * Runs the model on new tokens of several sequences, whose earlier tokens are in cached runs, and
   * adds the new tokens to these. On the CPU, for models without capped attention scores, every
   * result has the bits that {@link #forward} gives for the whole sequence.
   *
   * @param extensions one a sequence
   * @param plan as for {@link #forward}; everything kept has one row: the new tokens, one sequence
   *     after the other
   * @return what the plan asked for; close it
   * @throws UsageException as {@link #forward}
   */
  public Forward extend(List<Extension> extensions, HookPlan plan) {
    try (ExtensionPass pass = new ExtensionPass(extensions, device)) {
      requireLength(pass.longest());
      Forward result = forward(pass.tokens(), plan, Optional.of(pass));
      pass.finish();
      return result;
    }
  }

  /**
   * {@link #extend}, for next-token logits after the last new token of some sequences: in the last
   * block the others get keys and values and nothing more.
   *
   * @param wanted which extensions, at least one, in order
   * @return [n, V], which the caller owns
   */
  public Tensor extendForLogits(List<Extension> extensions, int[] wanted) {
    String last = layerHookpoint(config.layers() - 1);
    HookPlan plan = new HookPlan().tapOutput(last).logits(false);
    try (ExtensionPass pass = new ExtensionPass(extensions, Optional.of(wanted), device)) {
      requireLength(pass.longest());
      try (Forward forward = forward(pass.tokens(), plan, Optional.of(pass));
          PointerScope scope = new PointerScope()) {
        pass.finish();
        return logits(forward.output(last).squeeze(0));
      }
    }
  }

  private Forward forward(TokenBatch batch, HookPlan plan, Optional<ExtensionPass> extension) {
    checkIds(batch);
    Forward result = new Forward();
    try (PointerScope scope = new PointerScope()) {
      NoGradGuard noGradients = new NoGradGuard();
      Optional<DistinctTokens> distinct =
          weights.positions().isEmpty()
              ? DistinctTokens.of(batch, config.vocabularySize(), device)
              : Optional.empty();
      ActiveHooks hooks = new ActiveHooks(plan, this::resolve, 0, result, distinct, extension);
      Optional<Tensor> places = extension.map(ExtensionPass::positions);
      try (Tensor ids = ids(batch)) {
        decoder.run(0, decoder.embed(ids, places), hooks).ifPresent(result::keepLogits);
      } finally {
        distinct.ifPresent(DistinctTokens::close);
      }
      noGradients.close();
      return result;
    } catch (RuntimeException failure) {
      result.close();
      throw failure;
    }
  }

  /**
   * Runs blocks {@code layer} to last, and the head, on a given residual stream.
   *
   * @param layer 0 to the number of blocks; that number itself runs the final norm and the head
   *     alone
   * @param hidden [rows, T, d] float32: the input of that block; unchanged
   * @return what the plan asked for; close it
   */
  public Forward forwardFrom(int layer, Tensor hidden, HookPlan plan) {
    Objects.checkIndex(layer, config.layers() + 1);
    long[] shape = hidden.shape();
    if (shape.length != 3 || shape[2] != config.width()) {
      throw new IllegalArgumentException(
          "hidden has shape "
              + java.util.Arrays.toString(shape)
              + ", expected [rows, T, "
              + config.width()
              + "]");
    }
    Forward result = new Forward();
    try (PointerScope scope = new PointerScope()) {
      NoGradGuard noGradients = new NoGradGuard();
      ActiveHooks hooks =
          new ActiveHooks(plan, this::resolve, layer, result, Optional.empty(), Optional.empty());
      decoder.run(layer, hidden, hooks).ifPresent(result::keepLogits);
      noGradients.close();
      return result;
    } catch (RuntimeException failure) {
      result.close();
      throw failure;
    }
  }

  /** The embedding, [V, d], before any scale, in the model's precision; belongs to the model. */
  public Tensor embedding() {
    return weights.embedding();
  }

  /** The unembedding, [V, d], in the model's precision; belongs to the model. */
  public Tensor unembedding() {
    return head.weight();
  }

  /**
   * The layer that makes logits of the normalised residual stream, where that is all there is to it
   * and it is our own kernel; belongs to the model.
   */
  public Optional<DenseLayer> headLayer() {
    return head.layer();
  }

  /**
   * Next-token logits; on the CPU the bits of a row's depend on that row alone.
   *
   * @param hidden [n, d], outputs of the last block
   * @return [n, V], which the caller owns
   */
  public Tensor logits(Tensor hidden) {
    try (PointerScope scope = new PointerScope()) {
      NoGradGuard noGradients = new NoGradGuard();
      Tensor result = Tensors.keep(decoder.logits(hidden));
      noGradients.close();
      return result;
    }
  }

  /**
   * The norm between the last block and the unembedding.
   *
   * @param x […, d]
   * @return a new tensor of the same shape that the caller owns
   */
  public Tensor finalNorm(Tensor x) {
    try (PointerScope scope = new PointerScope()) {
      NoGradGuard noGradients = new NoGradGuard();
      Tensor result = Tensors.keep(decoder.finalNorm(x));
      noGradients.close();
      return result;
    }
  }

  /**
   * The cross-entropy of each next token: log Σ exp(logits) - logit of the token that follows.
   *
   * @param logits [rows, T, V], contiguous
   * @param batch the ids the logits were made from; T at least 2
   * @return [rows, T - 1] in nats; the caller owns it
   */
  public static Tensor tokenLoss(Tensor logits, TokenBatch batch) {
    return TokenLoss.of(logits, batch);
  }

  @Override
  public void close() {
    tables.close();
    weights.close();
  }

  private Hookpoint resolve(String name) {
    return hookpoints.resolve(name);
  }

  private void checkIds(TokenBatch batch) {
    for (int i = 0; i < batch.ids().length; i++) {
      int id = batch.ids()[i];
      if (id < 0 || id >= config.vocabularySize()) {
        throw new UsageException(
            "token id "
                + id
                + " (row "
                + i / batch.length()
                + ", position "
                + i % batch.length()
                + ") is outside the vocabulary of "
                + config.vocabularySize());
      }
    }
  }

  private Tensor ids(TokenBatch batch) {
    long[] wide = java.util.Arrays.stream(batch.ids()).asLongStream().toArray();
    return device.of(wide, batch.rows(), batch.length());
  }
}
