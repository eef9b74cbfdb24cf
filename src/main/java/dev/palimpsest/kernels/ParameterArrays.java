package dev.palimpsest.kernels;

import java.util.Optional;
import org.bytedeco.javacpp.FloatPointer;

/**
 * Five arrays shaped as a coder's parameters: its gradients, or one moment of its optimiser ({@code
 * pal_gradients}).
 *
 * @param encoder [M, d]
 * @param encoderBias [M]
 * @param decoder [M, d]
 * @param decoderBias [d]
 * @param skip [d, d], for coders with a skip connection
 */
public record ParameterArrays(
    FloatPointer encoder,
    FloatPointer encoderBias,
    FloatPointer decoder,
    FloatPointer decoderBias,
    Optional<FloatPointer> skip) {

  /** Checks the sizes against a coder's and writes the pointers into a native struct. */
  void fill(NativeKernels.Gradients struct, String what, CoderParameters coder) {
    long matrix = coder.width() * coder.latents();
    struct.encoder(Checks.array(what, "encoder", encoder, matrix));
    struct.encoder_bias(Checks.array(what, "encoderBias", encoderBias, coder.latents()));
    struct.decoder(Checks.array(what, "decoder", decoder, matrix));
    struct.decoder_bias(Checks.array(what, "decoderBias", decoderBias, coder.width()));
    if (coder.hasSkip()) {
      FloatPointer array =
          skip.orElseThrow(
              () ->
                  new KernelException(
                      what + ": no skip array, but the coder has a skip connection"));
      struct.skip(Checks.array(what, "skip", array, coder.width() * coder.width()));
    } else {
      struct.skip(null);
    }
  }

  /** Both moments of an optimiser, checked, as a native struct that the caller closes. */
  static NativeKernels.OptimizerState state(
      String call, ParameterArrays first, Optional<ParameterArrays> second, CoderParameters coder) {
    NativeKernels.OptimizerState state = new NativeKernels.OptimizerState();
    first.fill(state.first(), call + ": first", coder);
    if (second.isPresent()) {
      second.get().fill(state.second(), call + ": second", coder);
    } else {
      state.second().encoder(null).encoder_bias(null).decoder(null).decoder_bias(null).skip(null);
    }
    return state;
  }
}
