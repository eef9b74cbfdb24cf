package dev.palimpsest.report;

import dev.palimpsest.report.LineChart.Point;
import dev.palimpsest.report.LineChart.Reference;
import dev.palimpsest.report.LineChart.Series;
import dev.palimpsest.report.LineChart.Stroke;
import dev.palimpsest.results.Interval;
import dev.palimpsest.results.RecordedResult;
import dev.palimpsest.results.RecordedResult.Row;
import dev.palimpsest.results.RewriteResult;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Loss against characters: what a rewrite adds to the loss with texts of several lengths, the share
 * of the glossary included, between the true coder and the floors.
 */
final class CharactersFigure {
  private static final double WIDTH = 720;
  private static final double HEIGHT = 300;
  private static final double LEFT = 66;
  private static final double RIGHT = 150;
  private static final double TOP = 24;

  private CharactersFigure() {}

  /** Whether results differ in the length of their texts, so that there is a curve. */
  static boolean drawable(List<RecordedResult> results) {
    return results.stream().map(r -> Math.round(r.words().characters())).distinct().count() > 2;
  }

  /** The figure as an SVG element, for a page that brings {@code report.css}. */
  static String draw(List<RecordedResult> results) {
    List<Point> points = new ArrayList<>();
    for (RecordedResult result : results) {
      Row words = row(result, result.headline());
      double y = words.added().orElse(0);
      Interval ends = words.addedCi95().orElse(new Interval(y, y));
      points.add(
          new Point(result.words().characters(), y, ends.low(), ends.high(), result.title()));
    }
    points.sort(Comparator.comparingDouble(Point::x));
    List<Reference> references = new ArrayList<>();
    RecordedResult first = results.get(0);
    for (String name :
        List.of(RewriteResult.TRANSCODER, RewriteResult.ZERO_LATENTS, first.strongest())) {
      Reference reference =
          new Reference(Headline.baselineName(name), row(first, name).added().orElse(0), true);
      if (!references.contains(reference)) {
        references.add(reference);
      }
    }
    double high = points.stream().mapToDouble(Point::high).max().orElse(1);
    for (Reference reference : references) {
      high = Math.max(high, reference.y());
    }
    Axis x =
        Axis.linear("characters a latent, glossary included", 0, points.get(points.size() - 1).x());
    Axis y = Axis.linear("added loss", 0, high);
    Svg svg = new Svg(WIDTH, TOP + HEIGHT + 44, "Added loss against characters of text a latent");
    svg.textUpwards(14, TOP + HEIGHT / 2, "axis", "added loss, nats per token");
    new LineChart("", x, y, List.of(new Series("words", 0, Stroke.BAND, points)), references)
        .draw(svg, LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT, true, true);
    return svg.finish();
  }

  private static Row row(RecordedResult result, String name) {
    return result.rows().stream()
        .filter(row -> row.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no row " + name + " in " + result.name()));
  }
}
