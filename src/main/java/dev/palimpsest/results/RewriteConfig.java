package dev.palimpsest.results;

import dev.palimpsest.base.UsageException;
import java.util.List;

/**
 * What is measured, and how; the protocols are those of Paulo &amp; Belrose (arXiv 2501.18838) and
 * this project's own.
 *
 * @param protocol which positions are patched and counted
 * @param contextTokens T, tokens the model sees of a window; a window has one more, the last target
 * @param maxWindows at most so many windows, drawn in an order given by the seed; 0: all there are
 * @param batchTokens tokens of one forward pass; memory is proportional to it, results do not
 *     depend on it
 * @param simulator name of the simulator, copied into the results
 * @param calibrations names of the calibrations to measure, in this order; each needs a predictor
 * @param fractions shares f of the latents that are rewritten, in (0, 1]
 * @param selections how the rewritten latents are chosen
 * @param reselect whether only the k largest of the mixed activations are kept again: false, true
 *     or both
 * @param resamples bootstrap resamples of the windows behind every interval
 * @param seed of window order, random selection, random latents and bootstrap
 * @param untilCi the evaluation stops, at set numbers of windows, when the 95 % interval of the
 *     headline's added cross-entropy is within so many nats of its middle; 0: it reads all windows
 */
public record RewriteConfig(
    Protocol protocol,
    int contextTokens,
    long maxWindows,
    int batchTokens,
    String simulator,
    List<String> calibrations,
    List<Double> fractions,
    List<Selection> selections,
    List<Boolean> reselect,
    int resamples,
    long seed,
    double untilCi) {

  /** Of the paper's nine fractions those that differ enough to show the curve. */
  public static final List<Double> FRACTIONS = List.of(.01, .1, .4, .8, 1.0);

  /** The calibrations of experiment.md, section 5. */
  public static final List<String> CALIBRATIONS = List.of("none", "quantile", "conditional-mean");

  /** Copies the lists and refuses what cannot be meant. */
  public RewriteConfig {
    calibrations = List.copyOf(calibrations);
    fractions = List.copyOf(fractions);
    selections = List.copyOf(selections);
    reselect = List.copyOf(reselect);
    require(contextTokens >= 1, "rewrite context tokens", contextTokens, "at least 1");
    require(maxWindows >= 0, "rewrite windows", maxWindows, "0 (all) or more");
    require(batchTokens >= 1, "rewrite batch tokens", batchTokens, "at least 1");
    require(resamples >= 1, "bootstrap resamples", resamples, "at least 1");
    require(
        untilCi >= 0 && Double.isFinite(untilCi), "rewrite.until_ci", untilCi, "0 (off) or more");
    for (double fraction : fractions) {
      require(fraction > 0 && fraction <= 1, "rewrite fraction", fraction, "in (0, 1]");
    }
  }

  /** The paper's protocol: 32-token windows, last position, 10,000 windows at most. */
  public static RewriteConfig lastToken() {
    return new RewriteConfig(
        Protocol.LAST_TOKEN,
        32,
        10_000,
        8192,
        "lexical",
        CALIBRATIONS,
        FRACTIONS,
        List.of(Selection.values()),
        List.of(false, true),
        2000,
        0,
        0);
  }

  /** Every position of contexts of 256 tokens, all windows. */
  public static RewriteConfig allTokens() {
    return new RewriteConfig(
        Protocol.ALL_TOKENS,
        256,
        0,
        1024,
        "lexical",
        CALIBRATIONS,
        FRACTIONS,
        List.of(Selection.values()),
        List.of(false, true),
        2000,
        0,
        0);
  }

  /** The same with other window counts and lengths. */
  public RewriteConfig withWindows(int context, long windows) {
    return new RewriteConfig(
        protocol,
        context,
        windows,
        batchTokens,
        simulator,
        calibrations,
        fractions,
        selections,
        reselect,
        resamples,
        seed,
        untilCi);
  }

  /** The same measuring another grid of variants. */
  public RewriteConfig withGrid(
      List<String> newCalibrations,
      List<Double> newFractions,
      List<Selection> newSelections,
      List<Boolean> newReselect) {
    return new RewriteConfig(
        protocol,
        contextTokens,
        maxWindows,
        batchTokens,
        simulator,
        newCalibrations,
        newFractions,
        newSelections,
        newReselect,
        resamples,
        seed,
        untilCi);
  }

  /** The same with another batch size, simulator name and seed. */
  public RewriteConfig withRun(int newBatchTokens, String newSimulator, long newSeed) {
    return new RewriteConfig(
        protocol,
        contextTokens,
        maxWindows,
        newBatchTokens,
        newSimulator,
        calibrations,
        fractions,
        selections,
        reselect,
        resamples,
        newSeed,
        untilCi);
  }

  /** The same stopping early. */
  public RewriteConfig withUntilCi(double halfWidth) {
    return new RewriteConfig(
        protocol,
        contextTokens,
        maxWindows,
        batchTokens,
        simulator,
        calibrations,
        fractions,
        selections,
        reselect,
        resamples,
        seed,
        halfWidth);
  }

  /** Length of the windows to open: T tokens of context and the token after them. */
  public int windowTokens() {
    return contextTokens + 1;
  }

  private static void require(boolean ok, String what, Object found, String expected) {
    if (!ok) {
      throw new UsageException(what + ": found " + found + ", expected " + expected);
    }
  }
}
