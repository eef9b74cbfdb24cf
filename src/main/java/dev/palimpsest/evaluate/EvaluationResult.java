package dev.palimpsest.evaluate;

import java.util.OptionalDouble;

/**
 * One coder's evaluation; the names, in snake case, are SAEBench's. Losses are in nats per counted
 * token.
 *
 * @param hookpoint where the coder was put
 * @param ceLossScore (with ablation − with SAE) / (with ablation − without SAE): 1 is as good as
 *     the model itself
 * @param ceLossWithoutSae of the model untouched
 * @param ceLossWithSae with the reconstruction in place of the module's output
 * @param ceLossWithAblation with the zero vector there
 * @param klDivScore (with ablation − with SAE) / with ablation, of the two divergences below
 * @param klDivWithSae KL(untouched ‖ with reconstruction)
 * @param klDivWithAblation KL(untouched ‖ with zero vector)
 * @param explainedVariance 1 − fvu
 * @param fvu sum |y − y_hat|² / sum |y − mean(y)|², the mean over all tokens of the evaluation
 * @param l0 latents above 0 per token
 * @param fracAlive share of the latents that fired at least once here
 * @param featureDensity how often latents fire
 * @param tokens counted
 * @param precision of the language model's dense layers
 */
public record EvaluationResult(
    String hookpoint,
    double ceLossScore,
    double ceLossWithoutSae,
    double ceLossWithSae,
    double ceLossWithAblation,
    OptionalDouble klDivScore,
    OptionalDouble klDivWithSae,
    OptionalDouble klDivWithAblation,
    double explainedVariance,
    double fvu,
    double l0,
    double fracAlive,
    FeatureDensity featureDensity,
    long tokens,
    String precision) {
  public HeldOut heldOut() {
    return HeldOut.of(fvu, ceLossScore, l0, fracAlive);
  }
}
