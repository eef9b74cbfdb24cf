package dev.palimpsest.results;

import java.util.Comparator;

/**
 * The order in which the rewrites of a table come into question for summing it up, the first before
 * all others: the largest fraction, without re-selection before with, calibration {@code
 * conditional-mean} before {@code quantile} before others before {@code none}, the best latents
 * before random ones. A fixed rule, not the best of the results, so that the row it picks needs no
 * correction for having been picked.
 *
 * @param fraction share of the latents rewritten
 * @param reselect whether the k largest were kept again
 * @param calibration its name
 * @param selection label of the {@link Selection}
 */
public record HeadlineOrder(double fraction, boolean reselect, String calibration, String selection)
    implements Comparable<HeadlineOrder> {
  private static final Comparator<HeadlineOrder> ORDER =
      Comparator.comparingDouble((HeadlineOrder row) -> -row.fraction)
          .thenComparing(HeadlineOrder::reselect)
          .thenComparingInt(row -> preference(row.calibration))
          .thenComparing(row -> !row.selection.equals(Selection.BEST.label()));

  @Override
  public int compareTo(HeadlineOrder other) {
    return ORDER.compare(this, other);
  }

  private static int preference(String calibration) {
    return switch (calibration) {
      case "conditional-mean" -> 0;
      case "quantile" -> 1;
      case "none" -> 3;
      default -> 2;
    };
  }
}
