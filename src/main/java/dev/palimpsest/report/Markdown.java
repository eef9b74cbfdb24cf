package dev.palimpsest.report;

import dev.palimpsest.report.RewriteTable.Baseline;
import dev.palimpsest.report.RewriteTable.Rewrite;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Results as Markdown tables, so that the numbers in a README are generated and never typed. */
public final class Markdown {
  private static final Numbers NUMBERS = new Numbers();

  private Markdown() {}

  /**
   * A table in Markdown's pipe form; cells may hold any text.
   *
   * @param header one cell per column; a header that starts with '>' is right-aligned (the sign is
   *     dropped)
   * @param rows each as long as the header
   * @throws IllegalArgumentException if a row has another number of cells
   */
  public static String table(List<String> header, List<List<String>> rows) {
    StringBuilder out = new StringBuilder("|");
    for (String cell : header) {
      out.append(' ').append(text(cell.startsWith(">") ? cell.substring(1) : cell)).append(" |");
    }
    out.append("\n|");
    for (String cell : header) {
      out.append(cell.startsWith(">") ? "---:|" : "---|");
    }
    out.append('\n');
    for (List<String> row : rows) {
      if (row.size() != header.size()) {
        throw new IllegalArgumentException(
            "a row of " + row.size() + " cells under " + header.size() + " headings");
      }
      out.append('|');
      for (String cell : row) {
        out.append(' ').append(text(cell)).append(" |");
      }
      out.append('\n');
    }
    return out.toString();
  }

  /** All baselines and rewrites of a loss table, in the file's order. */
  public static String losses(RewriteTable table) {
    return losses(table, table.rewrites());
  }

  /**
   * The baselines and the rewrites of all latents ({@link RewriteTable#fullest}): short enough for
   * a README.
   */
  public static String summary(RewriteTable table) {
    return losses(table, table.fullest());
  }

  private static String losses(RewriteTable table, List<Rewrite> rewrites) {
    List<String> header =
        List.of(
            "in the component's place",
            ">CE",
            ">added CE [95 %]",
            ">median",
            ">KL",
            ">FVE",
            ">loss recovered [95 %]",
            ">p vs zero latents (Holm)",
            ">p vs same latents zeroed (Holm)",
            beyondHeading(table));
    List<List<String>> rows = new ArrayList<>();
    for (Map.Entry<String, Baseline> entry : table.baselines().entrySet()) {
      Baseline b = entry.getValue();
      rows.add(
          List.of(
              Headline.baselineName(entry.getKey()),
              NUMBERS.fixed(b.ce(), 3),
              (NUMBERS.signed(b.ceDeltaMean(), 3) + " " + NUMBERS.signed(b.ceDeltaCi95(), 3))
                  .strip(),
              b.ceDeltaMedian().isPresent() ? NUMBERS.signed(b.ceDeltaMedian(), 3) : "",
              NUMBERS.fixed(b.kl(), 3),
              NUMBERS.fixed(b.fve(), 3),
              "",
              "",
              "",
              ""));
    }
    for (RewriteTable.Rival r : table.rivals()) {
      Baseline b = r.losses();
      rows.add(
          List.of(
              "no words: " + r.name(),
              NUMBERS.fixed(b.ce(), 3),
              (NUMBERS.signed(b.ceDeltaMean(), 3) + " " + NUMBERS.signed(b.ceDeltaCi95(), 3))
                  .strip(),
              NUMBERS.signed(b.ceDeltaMedian(), 3),
              NUMBERS.fixed(b.kl(), 3),
              NUMBERS.fixed(b.fve(), 3),
              (NUMBERS.fixed(r.lossRecovered(), 2) + " " + NUMBERS.fixed(r.lossRecoveredCi95(), 2))
                  .strip(),
              "",
              "",
              beyond(r.beyondStrongest())));
    }
    for (Rewrite r : rewrites) {
      rows.add(
          List.of(
              "words: " + describe(r),
              NUMBERS.fixed(r.ce(), 3),
              (NUMBERS.signed(r.ceDeltaMean(), 3) + " " + NUMBERS.signed(r.ceDeltaCi95(), 3))
                  .strip(),
              NUMBERS.signed(r.ceDeltaMedian(), 3),
              NUMBERS.fixed(r.kl(), 3),
              NUMBERS.fixed(r.fve(), 3),
              (NUMBERS.fixed(r.lossRecovered(), 2) + " " + NUMBERS.fixed(r.lossRecoveredCi95(), 2))
                  .strip(),
              NUMBERS.pValue(r.pVsZeroLatents(), r.pVsZeroLatentsHolm()),
              NUMBERS.pValue(r.pVsZeroSame(), r.pVsZeroSameHolm()),
              beyond(r.beyondStrongest())));
    }
    return table(header, rows);
  }

  private static String beyondHeading(RewriteTable table) {
    return ">recovered against the strongest trivial baseline"
        + table.strongest().map(name -> ", " + Headline.baselineName(name)).orElse("")
        + " [95 %]";
  }

  private static String beyond(RewriteTable.BeyondStrongest row) {
    return (NUMBERS.fixed(row.lossRecovered(), 2) + " " + NUMBERS.fixed(row.lossRecoveredCi95(), 2))
        .strip();
  }

  private static String describe(Rewrite r) {
    String which =
        r.fraction() >= 1 ? "all latents" : r.selection() + " " + NUMBERS.percent(r.fraction());
    return which
        + ", "
        + r.simulator()
        + ", "
        + r.calibration()
        + (r.reselect() ? ", re-selected" : "");
  }

  /** Text of any origin as Markdown shows it to the letter. */
  public static String text(String plain) {
    return TokenText.visible(plain)
        .replace("\\", "\\\\")
        .replace("|", "\\|")
        .replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace("](", "]\\(")
        .replace("*", "\\*")
        .replace("_", "\\_")
        .replace("`", "\\`");
  }
}
