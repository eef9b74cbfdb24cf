package dev.palimpsest.kernels;

import java.util.Optional;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * A coder's parameters as the kernels see them ({@code pal_coder}): sizes and pointers. The arrays
 * belong to the caller and must outlive this object; closing it frees only the native struct.
 */
public final class CoderParameters implements AutoCloseable {
  private final long width;
  private final long latents;
  private final Optional<FloatPointer> skip;
  private final NativeKernels.Coder struct = new NativeKernels.Coder();

  /**
   * @param width d, the width of the hooked activations
   * @param latents M
   * @param encoder W_enc [M, d]
   * @param encoderBias b_enc [M]
   * @param decoder W_dec [M, d]
   * @param decoderBias b_dec [d]
   * @param skip W_skip [d, d], for coders with a skip connection
   * @param subtractDecoderBias whether b_dec is subtracted from the input (SAEs, and old
   *     transcoders)
   * @param operands room for {@link CoderKernels#operandsBytes}, where the kernels are to multiply
   *     by their low-precision copy of the matrices; empty for float32
   */
  public CoderParameters(
      long width,
      long latents,
      FloatPointer encoder,
      FloatPointer encoderBias,
      FloatPointer decoder,
      FloatPointer decoderBias,
      Optional<FloatPointer> skip,
      boolean subtractDecoderBias,
      Optional<Pointer> operands) {
    Checks.positive("coder", "width", width);
    Checks.positive("coder", "latents", latents);
    this.width = width;
    this.latents = latents;
    this.skip = skip;
    long matrix = Math.multiplyExact(width, latents);
    struct.width(width).latents(latents);
    struct.encoder(Checks.array("coder", "encoder", encoder, matrix));
    struct.encoder_bias(Checks.array("coder", "encoderBias", encoderBias, latents));
    struct.decoder(Checks.array("coder", "decoder", decoder, matrix));
    struct.decoder_bias(Checks.array("coder", "decoderBias", decoderBias, width));
    if (skip.isPresent()) {
      struct.skip(Checks.array("coder", "skip", skip.get(), Math.multiplyExact(width, width)));
    } else {
      struct.skip(null);
    }
    struct.subtract_decoder_bias(subtractDecoderBias ? 1 : 0);
    struct.operands(operands.orElse(null));
  }

  /** d, the width of the hooked activations. */
  public long width() {
    return width;
  }

  /** M, the number of latents. */
  public long latents() {
    return latents;
  }

  /** Whether the coder has a skip connection. */
  public boolean hasSkip() {
    return skip.isPresent();
  }

  NativeKernels.Coder struct() {
    return struct;
  }

  @Override
  public void close() {
    struct.close();
  }
}
