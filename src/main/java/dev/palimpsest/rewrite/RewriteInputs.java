package dev.palimpsest.rewrite;

import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.data.ExcludedTokens;
import dev.palimpsest.data.Hook;
import dev.palimpsest.data.TokenWindows;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.simulate.LatentPredictor;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntToDoubleFunction;

/**
 * What an evaluation works on; nothing of it is closed.
 *
 * @param model the subject model
 * @param coder the trained coder of the hooked module
 * @param hook the module whose output is replaced, and whether the coder reads its input (a transcoder, e.g. at {@code
 *     layers.6.mlp}) or its output (an SAE, e.g. at {@code layers.6})
 * @param windows the evaluation text in windows of {@link RewriteConfig#windowTokens()} tokens
 * @param means of outputs and latents over the calibration text
 * @param predictors guessed activations by the name of their calibration
 * @param shuffled a predictor whose texts are deranged between latents, where that baseline is wanted
 * @param scores of the latents' explanations, larger is better; NaN for latents without one
 * @param excluded tokens that are neither spliced nor counted
 */
public record RewriteInputs(
    LanguageModel model,
    SparseCoder coder,
    Hook hook,
    TokenWindows windows,
    CalibrationMeans means,
    Map<String, LatentPredictor> predictors,
    Optional<LatentPredictor> shuffled,
    IntToDoubleFunction scores,
    ExcludedTokens excluded) {

  /** M. */
  int latents() {
    return coder.config().numLatents();
  }
}
