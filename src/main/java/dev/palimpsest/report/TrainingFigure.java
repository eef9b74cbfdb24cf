package dev.palimpsest.report;

import dev.palimpsest.report.LineChart.Point;
import dev.palimpsest.report.LineChart.Series;
import dev.palimpsest.report.LineChart.Stroke;
import java.util.ArrayList;
import java.util.List;

/**
 * Training curves: FVU by step on a logarithmic axis, held-out evaluations as markers, a colour per
 * coder.
 */
final class TrainingFigure {
  private static final double WIDTH = 900;
  private static final double FRAME_HEIGHT = 270;
  private static final double LEFT = 62;

  /** Points drawn of one curve; longer ones are averaged in equal stretches of steps. */
  private static final int MOST_POINTS = 300;

  private TrainingFigure() {}

  /** Whether there is anything to draw. */
  static boolean drawable(List<TrainingCurve> curves) {
    return curves.stream().anyMatch(c -> !points(c).isEmpty() || !heldOut(c).isEmpty());
  }

  static String draw(List<TrainingCurve> curves) {
    List<Series> series = new ArrayList<>();
    double low = 1;
    double high = 0;
    double lastStep = 1;
    for (int i = 0; i < curves.size(); i++) {
      TrainingCurve curve = curves.get(i);
      List<Point> train = points(curve);
      List<Point> held = heldOut(curve);
      if (!train.isEmpty()) {
        Stroke stroke = train.size() > 1 ? Stroke.PLAIN : Stroke.MARKERS;
        series.add(new Series(curve.coder() + ", training", i % 6, stroke, train));
      }
      if (!held.isEmpty()) {
        series.add(new Series(curve.coder() + ", held out", i % 6, Stroke.MARKERS, held));
      }
      List<Point> both = new ArrayList<>(train);
      both.addAll(held);
      for (Point point : both) {
        low = Math.min(low, point.y());
        high = Math.max(high, point.y());
        lastStep = Math.max(lastStep, point.x());
      }
    }
    double frameWidth = WIDTH - LEFT - 20;
    double legend = LineChart.drawLegend(new Svg(1, 1, ""), series, LEFT, 12, frameWidth);
    double top = 14 + legend;
    Svg svg =
        new Svg(WIDTH, top + FRAME_HEIGHT + 44, "Fraction of variance unexplained during training");
    LineChart.drawLegend(svg, series, LEFT, 12, frameWidth);
    Axis x = Axis.linear("optimiser step", 0, lastStep);
    x = new Axis(x.label(), x.scale(), x.low(), lastStep * 1.01, inside(x, lastStep * 1.01));
    // The first steps may be far above 1; they say nothing and would flatten the rest.
    Axis y = Axis.log("FVU", low * 0.95, Math.min(high * 1.05, Math.max(1.1, low * 12)));
    svg.textUpwards(14, top + FRAME_HEIGHT / 2, "axis", "fraction of variance unexplained");
    new LineChart("", x, y, series, List.of())
        .draw(svg, LEFT, top, frameWidth, FRAME_HEIGHT, true, false);
    return svg.finish();
  }

  /** Whole steps within the axis. */
  private static List<Axis.Tick> inside(Axis axis, double high) {
    return axis.ticks().stream()
        .filter(t -> t.value() <= high && t.value() == Math.rint(t.value()))
        .map(t -> new Axis.Tick(t.value(), new Numbers().count((long) t.value())))
        .toList();
  }

  private static List<Point> points(TrainingCurve curve) {
    List<TrainingCurve.Step> steps =
        curve.steps().stream().filter(s -> Double.isFinite(s.fvu()) && s.fvu() > 0).toList();
    int stretch = Math.max(1, (steps.size() + MOST_POINTS - 1) / MOST_POINTS);
    List<Point> points = new ArrayList<>();
    for (int i = 0; i < steps.size(); i += stretch) {
      double step = 0;
      double fvu = 0;
      int n = Math.min(stretch, steps.size() - i);
      for (TrainingCurve.Step s : steps.subList(i, i + n)) {
        step += s.step();
        fvu += s.fvu();
      }
      points.add(new Point(step / n, fvu / n, fvu / n, fvu / n, ""));
    }
    return points;
  }

  private static List<Point> heldOut(TrainingCurve curve) {
    Numbers numbers = new Numbers();
    List<Point> points = new ArrayList<>();
    for (TrainingCurve.HeldOut h : curve.heldOut()) {
      if (Double.isFinite(h.fvu()) && h.fvu() > 0) {
        String tooltip =
            "step "
                + numbers.count(h.step())
                + ": held-out FVU "
                + numbers.fixed(h.fvu(), 4)
                + (h.ceLossScore().isPresent()
                    ? ", ce_loss_score " + numbers.fixed(h.ceLossScore(), 3)
                    : "");
        points.add(new Point(h.step(), h.fvu(), h.fvu(), h.fvu(), tooltip));
      }
    }
    return points;
  }
}
