package dev.palimpsest.train;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.kernels.Activation;
import java.util.OptionalInt;

/**
 * One coder to train: where it hooks and its shape, before the width of that place is known.
 *
 * @param hookpoint e.g. {@code layers.2.mlp}
 * @param transcode whether it predicts the module's output from the module's input; else it is an
 *     autoencoder of the output
 * @param skipConnection whether W_skip x is added to the output
 * @param activation how the kept latents are chosen
 * @param numLatents M; empty: {@code expansionFactor} × width
 * @param expansionFactor used where M is not given
 * @param k latents kept per token
 */
public record CoderSpec(
    String hookpoint,
    boolean transcode,
    boolean skipConnection,
    Activation activation,
    OptionalInt numLatents,
    int expansionFactor,
    int k) {
  /**
   * The coder's configuration at a place of a width.
   *
   * @throws UsageException where k exceeds M, or a size is not positive
   */
  public CoderConfig resolve(int width) {
    if (numLatents.isEmpty() && expansionFactor < 1) {
      throw new UsageException("the expansion factor must be at least 1, found " + expansionFactor);
    }
    return new CoderConfig(
        activation,
        width,
        numLatents.orElse(expansionFactor * width),
        k,
        expansionFactor,
        true,
        false,
        skipConnection,
        transcode);
  }
}
