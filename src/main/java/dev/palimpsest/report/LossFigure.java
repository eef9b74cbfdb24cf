package dev.palimpsest.report;

import dev.palimpsest.report.LineChart.Point;
import dev.palimpsest.report.LineChart.Reference;
import dev.palimpsest.report.LineChart.Series;
import dev.palimpsest.report.LineChart.Stroke;
import dev.palimpsest.report.RewriteTable.Rewrite;
import dev.palimpsest.results.Interval;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeSet;

/**
 * The main figure: added loss against the fraction of latents rewritten, one frame without and one
 * with re-selection of the k largest, a line per calibration (solid: best latents, dashed: random
 * latents), baselines as labelled lines.
 */
final class LossFigure {
  private static final double FRAME_WIDTH = 380;
  private static final double LONE_FRAME_WIDTH = 600;
  private static final double FRAME_HEIGHT = 330;
  private static final double LEFT = 62;
  private static final double GAP = 26;
  static final double LABELS = 185;

  /** Order of the calibrations' colours. */
  private static final List<String> CALIBRATIONS = List.of("none", "quantile", "conditional-mean");

  private LossFigure() {}

  /** Whether the table has anything to draw. */
  static boolean drawable(RewriteTable table) {
    return table.rewrites().stream().anyMatch(r -> r.ceDeltaMean().isPresent());
  }

  /** The figure as an SVG element, for a page that brings {@code report.css}. */
  static String draw(RewriteTable table) {
    double top = top(table);
    List<LineChart> charts = charts(table);
    double frameWidth = frameWidth(charts);
    double frames = charts.size() * frameWidth + (charts.size() - 1) * GAP;
    double width = LEFT + frames + LABELS;
    Svg svg =
        new Svg(
            width,
            top + FRAME_HEIGHT + 44,
            "Added loss against the fraction of latents rewritten in words, "
                + table.hookpoint()
                + ", "
                + table.protocol());
    LineChart.drawLegend(svg, legend(charts), LEFT, 12, frames + LABELS);
    svg.textUpwards(14, top + FRAME_HEIGHT / 2, "axis", charts.get(0).y().label());
    for (int i = 0; i < charts.size(); i++) {
      double left = LEFT + i * (frameWidth + GAP);
      boolean last = i == charts.size() - 1;
      charts.get(i).draw(svg, left, top, frameWidth, FRAME_HEIGHT, i == 0, last);
    }
    return svg.finish();
  }

  private static double frameWidth(List<LineChart> charts) {
    return charts.size() == 1 ? LONE_FRAME_WIDTH : FRAME_WIDTH;
  }

  private static double top(RewriteTable table) {
    List<LineChart> charts = charts(table);
    double frames = charts.size() * frameWidth(charts) + (charts.size() - 1) * GAP;
    Svg scratch = new Svg(1, 1, "");
    return 34 + LineChart.drawLegend(scratch, legend(charts), LEFT, 12, frames + LABELS);
  }

  private static List<Series> legend(List<LineChart> charts) {
    List<Series> all = new ArrayList<>();
    charts.forEach(chart -> all.addAll(chart.series()));
    return all;
  }

  private static List<LineChart> charts(RewriteTable table) {
    List<Reference> references = references(table);
    Axis x = fractions(table);
    Axis y = losses(table, references);
    List<LineChart> charts = new ArrayList<>();
    TreeSet<Boolean> kinds = new TreeSet<>();
    table.rewrites().forEach(r -> kinds.add(r.reselect()));
    for (boolean reselect : kinds) {
      String heading = reselect ? "k largest kept again (re-selection)" : "without re-selection";
      charts.add(new LineChart(heading, x, y, series(table, reselect), references));
    }
    return charts;
  }

  private static List<Series> series(RewriteTable table, boolean reselect) {
    List<Series> all = new ArrayList<>();
    LinkedHashSet<String> simulators = new LinkedHashSet<>();
    LinkedHashSet<String> calibrations = new LinkedHashSet<>(CALIBRATIONS);
    LinkedHashSet<String> selections = new LinkedHashSet<>(List.of("random", "best"));
    for (Rewrite rewrite : table.rewrites()) {
      simulators.add(rewrite.simulator());
      calibrations.add(rewrite.calibration());
      selections.add(rewrite.selection());
    }
    List<Point> zeroSame = new ArrayList<>();
    for (String selection : selections) {
      int colour = -1;
      for (String simulator : simulators) {
        for (String calibration : calibrations) {
          colour++;
          List<Point> points = new ArrayList<>();
          for (Rewrite r : table.rewrites()) {
            if (r.reselect() == reselect
                && r.simulator().equals(simulator)
                && r.calibration().equals(calibration)
                && r.selection().equals(selection)
                && r.ceDeltaMean().isPresent()) {
              points.add(point(r));
              zeroSame(table, r, zeroSame);
            }
          }
          points.sort(java.util.Comparator.comparingDouble(Point::x));
          if (!points.isEmpty()) {
            String by = simulators.size() > 1 ? simulator + ", " : "";
            all.add(
                new Series(
                    by + calibration + ", " + selection + " latents",
                    colour % 6,
                    selection.equals("best") ? Stroke.BAND : Stroke.BARS,
                    points));
          }
        }
      }
    }
    if (!zeroSame.isEmpty()) {
      zeroSame.sort(java.util.Comparator.comparingDouble(Point::x));
      all.add(0, new Series("same best latents zeroed", 6, Stroke.DOTTED, zeroSame));
    }
    return all;
  }

  /** The floor of the best latents, once for each fraction. */
  private static void zeroSame(RewriteTable table, Rewrite r, List<Point> points) {
    if (r.selection().equals("best")
        && r.ceZeroSame().isPresent()
        && table.unsplicedCe().isPresent()
        && points.stream().noneMatch(p -> p.x() == r.fraction())) {
      double delta = r.ceZeroSame().getAsDouble() - table.unsplicedCe().getAsDouble();
      points.add(new Point(r.fraction(), delta, delta, delta, ""));
    }
  }

  private static Point point(Rewrite r) {
    double mean = r.ceDeltaMean().orElseThrow();
    Numbers numbers = new Numbers();
    String tooltip =
        r.calibration()
            + ", "
            + r.selection()
            + " "
            + numbers.percent(r.fraction())
            + ": "
            + numbers.signed(mean, 3)
            + " nats "
            + numbers.signed(r.ceDeltaCi95(), 3);
    return new Point(
        r.fraction(),
        mean,
        r.ceDeltaCi95().map(Interval::low).orElse(mean),
        r.ceDeltaCi95().map(Interval::high).orElse(mean),
        tooltip);
  }

  private static List<Reference> references(RewriteTable table) {
    List<Reference> references = new ArrayList<>();
    for (Map.Entry<String, RewriteTable.Baseline> entry : table.baselines().entrySet()) {
      OptionalDouble delta = entry.getValue().ceDeltaMean();
      boolean unspliced = entry.getKey().equals(RewriteTable.UNSPLICED);
      if (delta.isPresent() || unspliced) {
        boolean strong =
            unspliced
                || entry.getKey().equals(RewriteTable.TRANSCODER)
                || entry.getKey().equals(RewriteTable.ZERO_LATENTS);
        references.add(
            new Reference(label(entry.getKey()), unspliced ? 0 : delta.getAsDouble(), strong));
      }
    }
    return references;
  }

  /** A baseline's name where there is little room: the figure has {@link #LABELS} for it. */
  static String label(String baseline) {
    return switch (baseline) {
      case RewriteTable.SHUFFLED_UNREFITTED -> "shuffled, no refit";
      case RewriteTable.SHUFFLED_JOINT -> "shuffled, joint";
      default -> Headline.baselineName(baseline);
    };
  }

  private static Axis fractions(RewriteTable table) {
    TreeSet<Double> fractions = new TreeSet<>();
    table.rewrites().forEach(r -> fractions.add(r.fraction()));
    Numbers numbers = new Numbers();
    List<Axis.Tick> ticks = new ArrayList<>();
    for (double fraction : fractions) {
      ticks.add(new Axis.Tick(fraction, numbers.percent(fraction).replace(" ", "")));
    }
    double low = Math.pow(Math.max(0, Math.cbrt(fractions.first()) - 0.05), 3);
    double high = Math.pow(Math.cbrt(fractions.last()) + 0.04, 3);
    return new Axis("share of latents rewritten in words", Axis.Scale.CUBE_ROOT, low, high, ticks);
  }

  /**
   * From the lowest value to a little above the baselines that matter and the better half of the
   * rewrites. What is worse (uncalibrated rewrites may be worse by ten nats) is cut off, marked at
   * the frame's upper edge.
   */
  private static Axis losses(RewriteTable table, List<Reference> references) {
    double low = 0;
    double core = 0;
    double highest = 0;
    for (Reference reference : references) {
      low = Math.min(low, reference.y());
      highest = Math.max(highest, reference.y());
      if (reference.strong()) {
        core = Math.max(core, reference.y());
      }
    }
    List<Double> deltas = new ArrayList<>();
    for (Rewrite r : table.rewrites()) {
      if (r.ceDeltaMean().isPresent()) {
        double mean = r.ceDeltaMean().getAsDouble();
        deltas.add(mean);
        low = Math.min(low, r.ceDeltaCi95().map(Interval::low).orElse(mean));
        highest = Math.max(highest, r.ceDeltaCi95().map(Interval::high).orElse(mean));
      }
    }
    deltas.sort(null);
    double typical = deltas.isEmpty() ? 0 : deltas.get(deltas.size() / 2);
    double wanted = Math.max(core * 1.9, typical * 1.1);
    double high = wanted <= 0 || highest <= wanted * 1.5 ? highest : wanted;
    return Axis.linear("added loss, nats per token", low, Math.max(high, low + 1e-3));
  }
}
