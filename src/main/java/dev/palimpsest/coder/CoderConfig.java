package dev.palimpsest.coder;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.kernels.Activation;

/**
 * The shape and the rules of a sparse coder; its file form is sparsify's {@code cfg.json}.
 *
 * @param activation how the kept latents are chosen
 * @param width d, the width of the coder's input and output
 * @param numLatents M, the number of latents
 * @param k latents kept per row
 * @param expansionFactor sparsify's alternative way to state M (M = factor x d); kept for its
 *     readers
 * @param normalizeDecoder whether an autoencoder's decoder rows are held at unit norm while
 *     training
 * @param multiTopk trained with the extra loss at 4 k latents; does not change encoding or decoding
 * @param skipConnection whether W_skip x is added to the output
 * @param transcode trained to predict a target other than its input; decides {@link
 *     #subtractDecoderBias}
 */
public record CoderConfig(
    Activation activation,
    int width,
    int numLatents,
    int k,
    int expansionFactor,
    boolean normalizeDecoder,
    boolean multiTopk,
    boolean skipConnection,
    boolean transcode) {

  /** sparsify's default of {@link #expansionFactor}. */
  public static final int DEFAULT_EXPANSION_FACTOR = 32;

  /** sparsify's default of {@link #k}. */
  public static final int DEFAULT_K = 32;

  /**
   * @throws UsageException when a size is not positive, k exceeds M, or groupmax cannot form k
   *     equal groups
   */
  public CoderConfig {
    requirePositive("width (d_in)", width);
    requirePositive("number of latents", numLatents);
    requirePositive("k", k);
    if (k > numLatents) {
      throw new UsageException(
          "k is "
              + k
              + " but the coder has only "
              + numLatents
              + " latents; k must not exceed them");
    }
    if (activation == Activation.GROUPMAX && numLatents % k != 0) {
      throw new UsageException(
          "groupmax needs a number of latents divisible by k, found "
              + numLatents
              + " latents and k "
              + k);
    }
  }

  /** A sparse autoencoder with unit decoder rows: it reconstructs its input. */
  public static CoderConfig autoencoder(int width, int numLatents, int k) {
    return new CoderConfig(
        Activation.TOPK, width, numLatents, k, DEFAULT_EXPANSION_FACTOR, true, false, false, false);
  }

  /** A transcoder: it predicts a module's output from the module's input. */
  public static CoderConfig transcoder(int width, int numLatents, int k, boolean skipConnection) {
    return new CoderConfig(
        Activation.TOPK,
        width,
        numLatents,
        k,
        DEFAULT_EXPANSION_FACTOR,
        true,
        false,
        skipConnection,
        true);
  }

  /**
   * Whether the coder reads its module's input rather than its output. Transcoders do, and so does
   * anything with a skip connection: old checkpoints of skip transcoders lack the {@code transcode}
   * key.
   */
  public boolean readsModuleInput() {
    return transcode || skipConnection;
  }

  /** The same coder with another activation. */
  public CoderConfig withActivation(Activation other) {
    return new CoderConfig(
        other,
        width,
        numLatents,
        k,
        expansionFactor,
        normalizeDecoder,
        multiTopk,
        skipConnection,
        transcode);
  }

  /**
   * Whether the encoder sees x - b_dec. {@code transcode} alone decides: transcoders of before
   * February 2025 have no such key in their {@code cfg.json}, load as "not transcode", and were
   * indeed trained with the subtraction.
   */
  public boolean subtractDecoderBias() {
    return !transcode;
  }

  /**
   * Whether training holds the decoder rows at unit norm: autoencoders only, unless switched off.
   */
  public boolean unitNormDecoder() {
    return normalizeDecoder && !transcode;
  }

  private static void requirePositive(String what, int value) {
    if (value < 1) {
      throw new UsageException(what + " must be at least 1, found " + value);
    }
  }
}
