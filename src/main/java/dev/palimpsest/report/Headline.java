package dev.palimpsest.report;

import dev.palimpsest.report.RewriteTable.Rewrite;
import dev.palimpsest.results.HeadlineOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * The result of a loss table in plain sentences, worked out by fixed rules and never tuned to
 * flatter.
 */
public final class Headline {
  /**
   * Below this a difference is called one; two-sided. The row that sums a table up is chosen by a
   * fixed rule, so that its p-value needs no correction; of a row that is sought out among others
   * the corrected one is taken.
   */
  private static final double SIGNIFICANT = 0.05;

  private static final Numbers NUMBERS = new Numbers();

  private Headline() {}

  /**
   * The sentences, most important first; none for a table without rewrites. The rewrite of all
   * latents is taken without re-selection where there is one, as it is the one that needs words
   * alone.
   */
  public static List<String> sentences(RewriteTable table) {
    List<String> sentences = new ArrayList<>();
    stakes(table).ifPresent(sentences::add);
    full(table).ifPresent(sentences::add);
    beyond(table).ifPresent(sentences::add);
    shuffled(table).ifPresent(sentences::add);
    partial(table).ifPresent(sentences::add);
    return sentences;
  }

  /**
   * The rewrite by which a table is summed up: the first in {@link HeadlineOrder} that was
   * measured.
   */
  public static Optional<Rewrite> main(RewriteTable table) {
    return table.rewrites().stream()
        .filter(r -> r.ceDeltaMean().isPresent())
        .min(
            Comparator.comparing(
                r ->
                    new HeadlineOrder(r.fraction(), r.reselect(), r.calibration(), r.selection())));
  }

  /**
   * A baseline's name in words: "zero latents" for "zero_latents", "untouched model" for
   * "unspliced".
   */
  static String baselineName(String key) {
    return switch (key) {
      case RewriteTable.UNSPLICED -> "untouched model";
      case RewriteTable.TRANSCODER -> "true coder";
      case RewriteTable.SHUFFLED_UNREFITTED -> "shuffled explanations, calibration not refitted";
      case RewriteTable.SHUFFLED_JOINT -> "shuffled explanations, calibration joint";
      default -> key.replace('_', ' ');
    };
  }

  private static Optional<String> stakes(RewriteTable table) {
    OptionalDouble coder = table.delta(RewriteTable.TRANSCODER);
    OptionalDouble zero = table.delta(RewriteTable.ZERO_LATENTS);
    if (coder.isEmpty() || zero.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        "Deleting every latent of "
            + table.hookpoint()
            + " costs "
            + NUMBERS.signed(zero, 3)
            + " nats per token; running the true sparse coder in the component's place costs "
            + NUMBERS.signed(coder, 3)
            + ". What lies between is what words can win back.");
  }

  private static Optional<String> full(RewriteTable table) {
    return main(table)
        .map(
            r -> {
              String what =
                  (r.fraction() >= 1
                          ? "All latents"
                          : NUMBERS.percent(r.fraction()) + " of the latents")
                      + " rewritten in words ("
                      + r.simulator()
                      + " simulator, "
                      + r.calibration()
                      + " calibration"
                      + (r.reselect() ? ", re-selected" : "")
                      + "): "
                      + NUMBERS.signed(r.ceDeltaMean(), 3)
                      + " nats"
                      + spaced(NUMBERS.signed(r.ceDeltaCi95(), 3));
              return what + recovered(r) + verdict(r);
            });
  }

  private static String recovered(Rewrite r) {
    if (r.lossRecovered().isEmpty()) {
      return ", loss recovered not defined (deleting the latents costs nothing measurable)";
    }
    double share = r.lossRecovered().getAsDouble();
    String interval =
        r.lossRecoveredCi95()
            .map(i -> " [" + whole(i.low()) + ", " + whole(i.high()) + "]")
            .orElse("");
    return ", loss recovered " + whole(share) + " %" + interval;
  }

  private static String verdict(Rewrite r) {
    if (r.pVsZeroLatents().isEmpty() || r.lossRecovered().isEmpty()) {
      return ".";
    }
    double p = r.pVsZeroLatents().getAsDouble();
    String side =
        p >= SIGNIFICANT
            ? "not distinguishable from deleting them"
            : r.lossRecovered().getAsDouble() > 0
                ? "better than deleting them"
                : "worse than deleting them";
    return "; " + side + " (p " + equalsSign(r.pVsZeroLatents()) + ").";
  }

  /** The same against the second floor, and what of the output the words explain. */
  private static Optional<String> beyond(RewriteTable table) {
    Optional<Rewrite> row = main(table);
    if (row.isEmpty()
        || table.strongest().isEmpty()
        || row.get().beyondStrongest().lossRecovered().isEmpty()) {
      return Optional.empty();
    }
    RewriteTable.BeyondStrongest beyond = row.get().beyondStrongest();
    return Optional.of(
        "Against the strongest trivial baseline, "
            + baselineName(table.strongest().get())
            + " ("
            + NUMBERS.signed(table.delta(table.strongest().get()), 3)
            + " nats), loss recovered is "
            + whole(beyond.lossRecovered().getAsDouble())
            + " %"
            + beyond
                .lossRecoveredCi95()
                .map(i -> " [" + whole(i.low()) + ", " + whole(i.high()) + "]")
                .orElse("")
            + (beyond.p().isPresent() ? " (p " + equalsSign(beyond.p()) + ")" : "")
            + (row.get().fve().isPresent()
                ? "; the words explain "
                    + whole(row.get().fve().getAsDouble())
                    + " % of the output's variance"
                : "")
            + ".");
  }

  private static Optional<String> shuffled(RewriteTable table) {
    OptionalDouble shuffled = table.delta(RewriteTable.SHUFFLED);
    if (shuffled.isEmpty()) {
      return Optional.empty();
    }
    OptionalDouble unrefitted = table.delta(RewriteTable.SHUFFLED_UNREFITTED);
    return Optional.of(
        "With the explanations exchanged between latents the same procedure gives "
            + NUMBERS.signed(shuffled, 3)
            + " nats"
            + (unrefitted.isPresent()
                ? " (" + NUMBERS.signed(unrefitted, 3) + " with the calibration of the right ones)"
                : "")
            + ": the difference is what the words themselves carry.");
  }

  private static Optional<String> partial(RewriteTable table) {
    Optional<Rewrite> main = main(table);
    if (main.isEmpty() || table.unsplicedCe().isEmpty()) {
      return Optional.empty();
    }
    Rewrite full = main.get();
    List<Rewrite> best =
        table.rewrites().stream()
            .filter(
                r ->
                    r.selection().equals("best")
                        && r.reselect() == full.reselect()
                        && r.calibration().equals(full.calibration())
                        && r.simulator().equals(full.simulator())
                        && r.fraction() < 1)
            .toList();
    if (best.isEmpty()) {
      return Optional.empty();
    }
    Optional<Rewrite> largest =
        best.stream()
            .filter(
                r ->
                    sought(r).isPresent()
                        && sought(r).getAsDouble() < SIGNIFICANT
                        && r.ce().isPresent()
                        && r.ceZeroSame().isPresent()
                        && r.ce().getAsDouble() < r.ceZeroSame().getAsDouble())
            .max(Comparator.comparingDouble(Rewrite::fraction));
    if (largest.isEmpty()) {
      return Optional.of(
          "At no smaller share of the best-scored latents is the rewrite measurably better than"
              + " zeroing the same latents.");
    }
    Rewrite r = largest.get();
    double zeroSame = r.ceZeroSame().getAsDouble() - table.unsplicedCe().getAsDouble();
    return Optional.of(
        "With the best-scored "
            + NUMBERS.percent(r.fraction())
            + " rewritten and the rest true, the loss is "
            + NUMBERS.signed(r.ceDeltaMean(), 3)
            + " nats, against "
            + NUMBERS.signed(zeroSame, 3)
            + " with the same latents zeroed (p "
            + equalsSign(r.pVsZeroSame())
            + (r.pVsZeroSameHolm().isPresent()
                ? "; by Holm's correction, as it was sought out, p " + equalsSign(sought(r))
                : "")
            + ").");
  }

  /** The p-value to go by where a row is sought out among the table's. */
  private static OptionalDouble sought(Rewrite r) {
    return r.pVsZeroSameHolm().isPresent() ? r.pVsZeroSameHolm() : r.pVsZeroSame();
  }

  private static String equalsSign(OptionalDouble p) {
    String text = NUMBERS.pValue(p);
    return text.startsWith("<") ? text : "= " + text;
  }

  private static String spaced(String text) {
    return text.isEmpty() ? "" : " " + text;
  }

  private static String whole(double share) {
    return String.format(Locale.ROOT, "%.0f", share * 100)
        .replace('-', '−')
        .replaceAll("^−0$", "0");
  }
}
