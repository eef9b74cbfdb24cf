package dev.palimpsest.rewrite;

import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.results.RewriteConfig;
import dev.palimpsest.rivals.Rival;
import dev.palimpsest.simulate.CalibrationMeans;
import dev.palimpsest.simulate.LatentPredictor;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.TokenWindows;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntToDoubleFunction;

/**
 * What an evaluation works on; nothing of it is closed.
 *
 * @param model the subject model
 * @param coder the trained coder of the hooked module
 * @param hookpoint the module whose output is replaced, e.g. {@code layers.6.mlp} (transcoder) or
 *     {@code layers.6} (SAE)
 * @param transcode whether the coder reads the module's input (a transcoder) or its output (an SAE)
 * @param windows the evaluation text in windows of {@link RewriteConfig#windowTokens()} tokens
 * @param means of outputs and latents over the calibration text
 * @param predictors guessed activations by the name of their calibration
 * @param shuffled predictors whose texts are deranged between latents, where those baselines are
 *     wanted
 * @param rivals what is measured beside that uses no words, by label, in the order of the table
 * @param scores of the latents' explanations, larger is better; NaN for latents without one
 * @param excluded tokens that are neither spliced nor counted
 */
public record RewriteInputs(
    LanguageModel model,
    SparseCoder coder,
    String hookpoint,
    boolean transcode,
    TokenWindows windows,
    CalibrationMeans means,
    Map<String, LatentPredictor> predictors,
    Optional<Shuffled> shuffled,
    Map<String, Rival> rivals,
    IntToDoubleFunction scores,
    ExcludedTokens excluded) {

  /**
   * Predictors from other texts than the latents' own: from one another's, and from paraphrases.
   *
   * @param refitted calibrated on ratings of these same texts
   * @param unrefitted calibrated on ratings of the right texts
   * @param joint with a joint calibration of their own, where that is measured for the right texts
   * @param paraphrased the latents' own texts in other words, calibrated on ratings of the right
   *     texts, where that control is wanted
   */
  public record Shuffled(
      LatentPredictor refitted,
      LatentPredictor unrefitted,
      Optional<LatentPredictor> joint,
      Optional<LatentPredictor> paraphrased) {}

  /** M. */
  int latents() {
    return coder.config().numLatents();
  }
}
