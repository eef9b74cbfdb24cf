package dev.palimpsest.report;

import dev.palimpsest.report.RewriteTable.Rewrite;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/** The results of several coders as text, one line each. */
public final class HeadlineTable {
  /** More would bury what follows; the report and {@code rewrites/} have all. */
  private static final int MOST = 20;

  private static final Numbers NUMBERS = new Numbers();

  private static final List<String> HEAD =
      List.of(
          "added CE of", "true coder", "zero latents", "all in words [95 %]", "recovered [95 %]");

  private HeadlineTable() {}

  /**
   * A line of headings, one a coder, and one that counts the coders that have none.
   *
   * @param tables by the coder's name, in order
   */
  public static List<String> lines(Map<String, RewriteTable> tables) {
    List<List<String>> rows = new ArrayList<>(List.of(HEAD));
    tables.forEach(
        (name, table) -> {
          if (rows.size() <= MOST) {
            rows.add(row(name, table));
          }
        });
    int[] widths = new int[HEAD.size()];
    for (List<String> row : rows) {
      for (int column = 0; column < widths.length; column++) {
        widths[column] = Math.max(widths[column], row.get(column).length());
      }
    }
    List<String> lines = new ArrayList<>();
    rows.forEach(row -> lines.add(line(row, widths)));
    int left = tables.size() - (rows.size() - 1);
    if (left > 0) {
      lines.add("… and " + left + " more");
    }
    return lines;
  }

  private static List<String> row(String name, RewriteTable table) {
    Optional<Rewrite> main = Headline.main(table);
    return List.of(
        name,
        NUMBERS.signed(table.delta(RewriteTable.TRANSCODER), 3),
        NUMBERS.signed(table.delta(RewriteTable.ZERO_LATENTS), 3),
        NUMBERS.signed(figure(main.map(Rewrite::ceDeltaMean)), 3)
            + spaced(NUMBERS.signed(main.flatMap(Rewrite::ceDeltaCi95), 3)),
        NUMBERS.fixed(figure(main.map(Rewrite::lossRecovered)), 2)
            + spaced(NUMBERS.fixed(main.flatMap(Rewrite::lossRecoveredCi95), 2)));
  }

  private static OptionalDouble figure(Optional<OptionalDouble> figure) {
    return figure.orElse(OptionalDouble.empty());
  }

  private static String spaced(String text) {
    return text.isEmpty() ? "" : " " + text;
  }

  private static String line(List<String> row, int[] widths) {
    StringBuilder line = new StringBuilder();
    for (int column = 0; column < widths.length; column++) {
      line.append(column == 0 ? "" : "  ").append(row.get(column));
      line.append(" ".repeat(widths[column] - row.get(column).length()));
    }
    return line.toString().stripTrailing();
  }
}
