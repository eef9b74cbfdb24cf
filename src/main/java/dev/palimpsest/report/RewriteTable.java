package dev.palimpsest.report;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.results.Interval;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * The losses of one rewritten component under one protocol: what {@code rewrite.json} and {@code
 * rewrites/*.json} hold. All losses are cross-entropies in nats per token; differences are to the
 * un-spliced model, paired by window.
 *
 * @param hookpoint e.g. "layers.2.mlp"
 * @param protocol "all-tokens" or "last-token"
 * @param windows evaluated windows
 * @param tokens predicted tokens over all of them
 * @param baselines by name, in the file's order
 * @param strongest name of the trivial baseline with the least loss: the second floor; empty in
 *     older files
 * @param rivals what uses no words, in the file's order; empty in older files
 * @param rewrites in the file's order
 */
public record RewriteTable(
    String hookpoint,
    String protocol,
    long windows,
    long tokens,
    Map<String, Baseline> baselines,
    Optional<String> strongest,
    List<Rival> rivals,
    List<Rewrite> rewrites) {
  /** Name of the baseline in which nothing is replaced. */
  public static final String UNSPLICED = "unspliced";

  /** Name of the baseline that runs the true coder. */
  public static final String TRANSCODER = "transcoder";

  /** Name of the baseline in which every latent is 0 and bias and skip remain. */
  public static final String ZERO_LATENTS = "zero_latents";

  /** Name of the baseline with texts exchanged between latents and calibrations fitted to them. */
  public static final String SHUFFLED = "shuffled_explanations";

  /** Name of the same baseline with the calibrations of the right texts. */
  public static final String SHUFFLED_UNREFITTED = "shuffled_explanations_unrefitted";

  /** Name of the same baseline with the joint calibration, fitted to the exchanged texts. */
  public static final String SHUFFLED_JOINT = "shuffled_explanations_joint";

  /** Keeps the order of the baselines. */
  public RewriteTable {
    baselines = Collections.unmodifiableMap(new LinkedHashMap<>(baselines));
    rivals = List.copyOf(rivals);
    rewrites = List.copyOf(rewrites);
  }

  /**
   * A replacement that needs no words.
   *
   * @param ce mean cross-entropy
   * @param ceDeltaMean mean difference to the un-spliced model
   * @param ceDeltaCi95 its 95 % bootstrap interval
   * @param ceDeltaMedian median difference by window, where measured
   * @param kl mean KL divergence from the clean model's prediction
   * @param fve share of the output's variance explained; empty in older files
   */
  public record Baseline(
      OptionalDouble ce,
      OptionalDouble ceDeltaMean,
      Optional<Interval> ceDeltaCi95,
      OptionalDouble ceDeltaMedian,
      OptionalDouble kl,
      OptionalDouble fve) {}

  /**
   * A row against the strongest trivial baseline; all empty in older files.
   *
   * @param lossRecovered (strongest - this) / (strongest - coder)
   * @param lossRecoveredCi95 its 95 % bootstrap interval
   * @param p paired test against that baseline
   * @param pHolm by Holm's correction for the table's other rows of the kind
   */
  public record BeyondStrongest(
      OptionalDouble lossRecovered,
      Optional<Interval> lossRecoveredCi95,
      OptionalDouble p,
      OptionalDouble pHolm) {}

  /**
   * A replacement that is fitted to the module's outputs and uses no words.
   *
   * @param name e.g. "bigram"
   * @param losses as of a baseline
   * @param lossRecovered as of a rewrite
   * @param lossRecoveredCi95 its 95 % bootstrap interval
   * @param beyondStrongest against the second floor
   */
  public record Rival(
      String name,
      Baseline losses,
      OptionalDouble lossRecovered,
      Optional<Interval> lossRecoveredCi95,
      BeyondStrongest beyondStrongest) {}

  /**
   * One rewrite: a fraction of the latents simulated from their explanations.
   *
   * @param simulator e.g. "lexical"
   * @param calibration "none", "quantile" or "conditional-mean"
   * @param selection "best" or "random" latents
   * @param fraction share of the latents rewritten, above 0 and at most 1
   * @param reselect whether the k largest were kept again after the replacement
   * @param ce mean cross-entropy
   * @param ceDeltaMean mean difference to the un-spliced model
   * @param ceDeltaCi95 its 95 % bootstrap interval
   * @param ceDeltaMedian median difference by window
   * @param kl mean KL divergence
   * @param fve share of the output's variance explained; empty in older files
   * @param lossRecovered (zero latents - this) / (zero latents - coder); empty where that is not
   *     defined
   * @param lossRecoveredCi95 its 95 % bootstrap interval
   * @param pVsZeroLatents paired test against all latents zeroed
   * @param ceZeroSame cross-entropy with the same latents zeroed and the rest true
   * @param pVsZeroSame paired test against that
   * @param pVsZeroLatentsHolm {@code pVsZeroLatents} by Holm's correction for the table's other
   *     rewrites; empty in older files
   * @param pVsZeroSameHolm {@code pVsZeroSame} likewise
   * @param beyondStrongest against the second floor
   */
  public record Rewrite(
      String simulator,
      String calibration,
      String selection,
      double fraction,
      boolean reselect,
      OptionalDouble ce,
      OptionalDouble ceDeltaMean,
      Optional<Interval> ceDeltaCi95,
      OptionalDouble ceDeltaMedian,
      OptionalDouble kl,
      OptionalDouble fve,
      OptionalDouble lossRecovered,
      Optional<Interval> lossRecoveredCi95,
      OptionalDouble pVsZeroLatents,
      OptionalDouble ceZeroSame,
      OptionalDouble pVsZeroSame,
      OptionalDouble pVsZeroLatentsHolm,
      OptionalDouble pVsZeroSameHolm,
      BeyondStrongest beyondStrongest) {}

  /**
   * The named baseline's mean difference to the un-spliced model.
   *
   * @return empty if it was not measured
   */
  public OptionalDouble delta(String baseline) {
    Baseline found = baselines.get(baseline);
    return found == null ? OptionalDouble.empty() : found.ceDeltaMean();
  }

  /** Cross-entropy of the untouched model; empty if it was not measured. */
  public OptionalDouble unsplicedCe() {
    Baseline found = baselines.get(UNSPLICED);
    return found == null ? OptionalDouble.empty() : found.ce();
  }

  /**
   * The rewrites of the largest fraction, as a rule of all latents; where several selections of all
   * latents were measured, which are then the same, the first.
   */
  public List<Rewrite> fullest() {
    double most = rewrites.stream().mapToDouble(Rewrite::fraction).max().orElse(1);
    List<Rewrite> kept = new ArrayList<>();
    for (Rewrite r : rewrites) {
      boolean repeated =
          kept.stream()
              .anyMatch(
                  k ->
                      k.fraction() >= 1
                          && k.simulator().equals(r.simulator())
                          && k.calibration().equals(r.calibration())
                          && k.reselect() == r.reselect());
      if (r.fraction() == most && !repeated) {
        kept.add(r);
      }
    }
    return kept;
  }

  /**
   * Reads a file of the form of {@code rewrite.json}; keys that are not known here are passed over.
   *
   * @throws PalimpsestException naming the file if it cannot be read or has no hookpoint, protocol
   *     or baselines
   */
  public static RewriteTable read(Path file) {
    JsonNode root = Json.read(file, JsonNode.class);
    for (String key : List.of("hookpoint", "protocol", "baselines", "rewrites")) {
      if (!root.has(key)) {
        throw new PalimpsestException(
            file + ": expected the key \"" + key + "\" of a rewrite result, found none");
      }
    }
    return from(root);
  }

  /** As {@link #read}, from parsed JSON; absent keys become empty values. */
  public static RewriteTable from(JsonNode root) {
    Map<String, Baseline> baselines = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : root.path("baselines").properties()) {
      JsonNode node = entry.getValue();
      if (node.isObject()) {
        baselines.put(entry.getKey(), baseline(node));
      }
    }
    List<Rival> rivals = new ArrayList<>();
    for (JsonNode node : root.path("rivals")) {
      rivals.add(
          new Rival(
              node.path("name").asText(),
              baseline(node),
              number(node, "loss_recovered"),
              interval(node, "loss_recovered_ci95"),
              beyond(node)));
    }
    List<Rewrite> rewrites = new ArrayList<>();
    for (JsonNode node : root.path("rewrites")) {
      rewrites.add(rewrite(node));
    }
    return new RewriteTable(
        root.path("hookpoint").asText(),
        root.path("protocol").asText(),
        root.path("windows").asLong(),
        root.path("tokens").asLong(),
        baselines,
        Optional.of(root.path("strongest").asText()).filter(name -> !name.isEmpty()),
        rivals,
        rewrites);
  }

  private static Baseline baseline(JsonNode node) {
    return new Baseline(
        number(node, "ce"),
        number(node, "ce_delta_mean"),
        interval(node, "ce_delta_ci95"),
        number(node, "ce_delta_median"),
        number(node, "kl"),
        number(node, "fve"));
  }

  private static BeyondStrongest beyond(JsonNode row) {
    JsonNode node = row.path("beyond_strongest");
    return new BeyondStrongest(
        number(node, "loss_recovered"),
        interval(node, "loss_recovered_ci95"),
        number(node, "p"),
        number(node, "p_holm"));
  }

  private static Rewrite rewrite(JsonNode node) {
    return new Rewrite(
        node.path("simulator").asText(),
        node.path("calibration").asText(),
        node.path("selection").asText(),
        node.path("fraction").asDouble(),
        node.path("reselect").asBoolean(),
        number(node, "ce"),
        number(node, "ce_delta_mean"),
        interval(node, "ce_delta_ci95"),
        number(node, "ce_delta_median"),
        number(node, "kl"),
        number(node, "fve"),
        number(node, "loss_recovered"),
        interval(node, "loss_recovered_ci95"),
        number(node, "p_vs_zero_latents"),
        number(node, "ce_zero_same"),
        number(node, "p_vs_zero_same"),
        number(node, "p_vs_zero_latents_holm"),
        number(node, "p_vs_zero_same_holm"),
        beyond(node));
  }

  private static OptionalDouble number(JsonNode node, String key) {
    JsonNode value = node.path(key);
    return value.isNumber() && Double.isFinite(value.asDouble())
        ? OptionalDouble.of(value.asDouble())
        : OptionalDouble.empty();
  }

  private static Optional<Interval> interval(JsonNode node, String key) {
    JsonNode value = node.path(key);
    return value.size() == 2 && value.path(0).isNumber() && value.path(1).isNumber()
        ? Optional.of(new Interval(value.path(0).asDouble(), value.path(1).asDouble()))
        : Optional.empty();
  }
}
