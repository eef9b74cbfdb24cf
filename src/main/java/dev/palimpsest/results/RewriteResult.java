package dev.palimpsest.results;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * The loss table of one coder under one protocol: {@code rewrite.json}. Losses are nats per token;
 * a number that could not be measured or is not finite is absent (JSON null).
 *
 * @param hookpoint the rewritten module, e.g. {@code layers.2.mlp}
 * @param protocol which positions were patched and counted
 * @param windows windows with at least one counted prediction
 * @param documents documents that the windows come from, a window counting for the one that most of
 *     it is of; intervals and tests take documents for independent, not windows
 * @param tokens counted predictions
 * @param latents M of the coder
 * @param k latents the coder keeps a token
 * @param config what was asked for
 * @param baselines by name: {@link #UNSPLICED} and the others
 * @param looks numbers of windows after which the interval was looked at to stop early; empty where
 *     that was not asked for
 * @param notFinite names of variants whose losses are no finite numbers, with the module from which
 *     on they are not; their figures are absent
 * @param strongest the trivial baseline with the least loss, of {@link #TRIVIAL}: the second floor
 * @param rivals what else was put in the module's place, on the same tokens, without any words
 * @param rewrites one row a combination of calibration, selection, fraction and re-selection
 */
public record RewriteResult(
    String hookpoint,
    Protocol protocol,
    int windows,
    int documents,
    long tokens,
    int latents,
    int k,
    RewriteConfig config,
    List<Integer> looks,
    Map<String, String> notFinite,
    Map<String, Baseline> baselines,
    Optional<String> strongest,
    List<Rival> rivals,
    List<Rewrite> rewrites) {

  /** The rewrite that sums the table up, measured or not ({@link HeadlineOrder}). */
  public Optional<Rewrite> headline() {
    return rewrites.stream()
        .min(
            Comparator.comparing(
                row ->
                    new HeadlineOrder(
                        row.fraction(),
                        row.reselect(),
                        row.calibration(),
                        row.selection().label())));
  }

  /** The model as it is. */
  public static final String UNSPLICED = "unspliced";

  /** The true coder's output. */
  public static final String TRANSCODER = "transcoder";

  /** No latents: b_dec (+ W_skip x) alone. */
  public static final String ZERO_LATENTS = "zero_latents";

  /** The zero vector as output. */
  public static final String ZERO_OUTPUT = "zero_output";

  /** The mean output over the calibration text. */
  public static final String MEAN_OUTPUT = "mean_output";

  /** Every latent at its mean over the calibration text, zeros included. */
  public static final String MEAN_LATENTS = "mean_latents";

  /** What anyone would try first: the lowest of their losses is the second floor. */
  public static final List<String> TRIVIAL =
      List.of(ZERO_LATENTS, ZERO_OUTPUT, MEAN_OUTPUT, MEAN_LATENTS);

  /** The row's true activation values on latents drawn uniformly. */
  public static final String RANDOM_LATENTS = "random_latents";

  /**
   * All latents predicted from one another's explanations, with calibrations fitted to them: what
   * any texts of this length give.
   */
  public static final String SHUFFLED_EXPLANATIONS = "shuffled_explanations";

  /**
   * The same with calibrations fitted to the right texts: guesses that are also wrongly scaled, so
   * that it looks worse than what texts of this length give.
   */
  public static final String SHUFFLED_UNREFITTED = "shuffled_explanations_unrefitted";

  /**
   * As {@link #SHUFFLED_EXPLANATIONS} with calibration {@code joint}, fitted to these texts too;
   * only where that calibration is measured.
   */
  public static final String SHUFFLED_JOINT = "shuffled_explanations_joint";

  /**
   * The latents' own texts in other words of the same meaning, with the calibration {@code
   * conditional-mean} of the texts as they are: a control, which must cost what those do.
   */
  public static final String PARAPHRASED = "paraphrased_explanations";

  /**
   * One baseline.
   *
   * @param ce cross-entropy
   * @param ceDeltaMean mean difference to un-spliced
   * @param ceDeltaCi95 its 95 % bootstrap interval over documents
   * @param ceDeltaMedian median over windows of the window's mean difference to un-spliced
   * @param kl KL(un-spliced ‖ baseline)
   * @param fve fraction of variance explained: 1 - sum |y - y'|² / sum |y - mean|² over the counted
   *     tokens, y the module's output, y' what stands in its place, the mean that of the
   *     calibration text
   */
  public record Baseline(
      OptionalDouble ce,
      OptionalDouble ceDeltaMean,
      @JsonProperty("ce_delta_ci95") Optional<Interval> ceDeltaCi95,
      OptionalDouble ceDeltaMedian,
      OptionalDouble kl,
      OptionalDouble fve) {
    /** A baseline that there was nothing to measure with. */
    public static final Baseline UNMEASURED =
        new Baseline(
            OptionalDouble.empty(),
            OptionalDouble.empty(),
            Optional.empty(),
            OptionalDouble.empty(),
            OptionalDouble.empty(),
            OptionalDouble.empty());
  }

  /**
   * A row against the strongest trivial baseline.
   *
   * @param lossRecovered (CE_strongest - CE) / (CE_strongest - CE_transcoder); absent where the
   *     denominator's interval contains 0
   * @param lossRecoveredCi95 its interval
   * @param p two-sided Wilcoxon signed-rank test, paired by document
   * @param pHolm the same by Holm's correction for all different rows of its kind
   */
  public record BeyondStrongest(
      OptionalDouble lossRecovered,
      @JsonProperty("loss_recovered_ci95") Optional<Interval> lossRecoveredCi95,
      OptionalDouble p,
      OptionalDouble pHolm) {}

  /**
   * A rival: the coder's bias and skip connection, and on top what is predicted from the tokens of
   * the context without words.
   *
   * @param name for example {@code unigram}
   * @param ce cross-entropy
   * @param ceDeltaMean mean difference to un-spliced
   * @param ceDeltaCi95 its 95 % bootstrap interval over documents
   * @param ceDeltaMedian median over windows of the window's mean difference to un-spliced
   * @param kl KL(un-spliced ‖ rival)
   * @param fve as of a {@link Baseline}
   * @param lossRecovered as of a {@link Rewrite}
   * @param lossRecoveredCi95 its interval, by the same resamples
   * @param beyondStrongest against the second floor
   */
  public record Rival(
      String name,
      OptionalDouble ce,
      OptionalDouble ceDeltaMean,
      @JsonProperty("ce_delta_ci95") Optional<Interval> ceDeltaCi95,
      OptionalDouble ceDeltaMedian,
      OptionalDouble kl,
      OptionalDouble fve,
      OptionalDouble lossRecovered,
      @JsonProperty("loss_recovered_ci95") Optional<Interval> lossRecoveredCi95,
      BeyondStrongest beyondStrongest) {}

  /**
   * One rewrite.
   *
   * @param simulator who guessed
   * @param calibration how ratings became activations
   * @param selection how the rewritten latents S were chosen
   * @param fraction f, the share of latents rewritten
   * @param latents |S| = max(1, round(f M))
   * @param reselect whether the k largest of the mixed activations were kept again
   * @param ce cross-entropy
   * @param ceDeltaMean mean difference to un-spliced
   * @param ceDeltaCi95 its 95 % bootstrap interval over documents
   * @param ceDeltaMedian median over windows of the window's mean difference to un-spliced
   * @param kl KL(un-spliced ‖ rewritten)
   * @param fve as of a {@link Baseline}
   * @param lossRecovered (CE_zero_latents - CE) / (CE_zero_latents - CE_transcoder); absent where
   *     the denominator's interval contains 0
   * @param lossRecoveredCi95 its interval, by the same resamples
   * @param pVsZeroLatents two-sided Wilcoxon signed-rank test, paired by document, against all
   *     latents zeroed
   * @param pVsZeroOutput the same against the zero vector
   * @param ceZeroSame cross-entropy with the same S zeroed and the rest true: the fair floor
   * @param pVsZeroSame the test against that floor
   * @param pVsZeroLatentsHolm {@code pVsZeroLatents} by Holm's correction for all different
   *     rewrites of the table: what to go by where a row was sought out among them
   * @param pVsZeroOutputHolm {@code pVsZeroOutput} likewise
   * @param pVsZeroSameHolm {@code pVsZeroSame} likewise
   * @param beyondStrongest against the second floor
   */
  public record Rewrite(
      String simulator,
      String calibration,
      Selection selection,
      double fraction,
      int latents,
      boolean reselect,
      OptionalDouble ce,
      OptionalDouble ceDeltaMean,
      @JsonProperty("ce_delta_ci95") Optional<Interval> ceDeltaCi95,
      OptionalDouble ceDeltaMedian,
      OptionalDouble kl,
      OptionalDouble fve,
      OptionalDouble lossRecovered,
      @JsonProperty("loss_recovered_ci95") Optional<Interval> lossRecoveredCi95,
      @JsonProperty("p_vs_zero_latents") OptionalDouble pVsZeroLatents,
      @JsonProperty("p_vs_zero_output") OptionalDouble pVsZeroOutput,
      OptionalDouble ceZeroSame,
      @JsonProperty("p_vs_zero_same") OptionalDouble pVsZeroSame,
      @JsonProperty("p_vs_zero_latents_holm") OptionalDouble pVsZeroLatentsHolm,
      @JsonProperty("p_vs_zero_output_holm") OptionalDouble pVsZeroOutputHolm,
      @JsonProperty("p_vs_zero_same_holm") OptionalDouble pVsZeroSameHolm,
      BeyondStrongest beyondStrongest) {}
}
