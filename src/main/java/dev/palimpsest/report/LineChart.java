package dev.palimpsest.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Lines with intervals over two axes, and labelled horizontal lines to compare them with. Drawn by
 * hand, because XChart's way to SVG needs an optional library, fonts of the machine (a bare server
 * has none, and the bytes would differ between machines), fixes its colours, and can label neither
 * intervals as bands nor reference lines at their ends.
 *
 * @param heading written above the frame; may be empty
 * @param x the horizontal axis
 * @param y the vertical axis; what lies outside is cut off at the frame
 * @param series in the order of drawing
 * @param references horizontal lines
 */
record LineChart(String heading, Axis x, Axis y, List<Series> series, List<Reference> references) {
  /** Side of the square in which a marker fits. */
  private static final double MARKER = 8;

  /** Least distance between the baselines of two labels at the right. */
  private static final double LABEL_SPACING = 13.5;

  /** How a series is drawn. */
  enum Stroke {
    /** A line, markers, and the interval as a band. */
    BAND,
    /** A dashed line, markers, and the intervals as bars. */
    BARS,
    /** A thin line without markers. */
    PLAIN,
    /** A thin dotted line without markers. */
    DOTTED,
    /** Markers alone. */
    MARKERS
  }

  /**
   * @param x horizontal value
   * @param y vertical value
   * @param low lower end of the interval; equal to y if there is none
   * @param high upper end of the interval; equal to y if there is none
   * @param tooltip shown under the pointer; may be empty
   */
  record Point(double x, double y, double low, double high, String tooltip) {}

  /**
   * @param name for the legend; series of the same name share one entry
   * @param colour index of the colour and the marker's shape, from 0
   * @param stroke how it is drawn
   * @param points ascending in x
   */
  record Series(String name, int colour, Stroke stroke, List<Point> points) {}

  /**
   * @param name written at the right end
   * @param y its height
   * @param strong whether it is one of the lines that matter most
   */
  record Reference(String name, double y, boolean strong) {}

  /**
   * Draws the frame's content with its upper left corner at (left, top).
   *
   * @param width of the frame
   * @param height of the frame
   * @param firstOfRow whether the vertical axis is labelled; the frames of a row share it
   * @param lastOfRow whether the references' names are written to the right of the frame
   */
  void draw(
      Svg svg,
      double left,
      double top,
      double width,
      double height,
      boolean firstOfRow,
      boolean lastOfRow) {
    if (!heading.isEmpty()) {
      svg.text(left + width / 2, top - 8, "middle", "heading", heading);
    }
    svg.rectangle(left, top, width, height, "frame", "");
    for (Axis.Tick tick : x.ticks()) {
      double at = left + x.place(tick.value()) * width;
      svg.line(at, top, at, top + height, "grid");
      svg.text(at, top + height + 15, "middle", "tick", tick.label());
    }
    for (Axis.Tick tick : y.ticks()) {
      double at = top + (1 - y.place(tick.value())) * height;
      svg.line(left, at, left + width, at, "grid");
      if (firstOfRow) {
        svg.text(left - 6, at + 4, "end", "tick", tick.label());
      }
    }
    svg.text(left + width / 2, top + height + 33, "middle", "axis", x.label());

    svg.window(left, top, width, height);
    for (Reference reference : references) {
      double at = (1 - y.place(reference.y())) * height;
      svg.line(0, at, width, at, reference.strong() ? "reference strong" : "reference");
    }
    for (Series line : series) {
      drawLine(svg, line, width, height);
    }
    svg.end();
    for (Series line : series) {
      drawMarkers(svg, line, left, top, width, height);
    }
    if (lastOfRow) {
      drawLabels(svg, left + width, top, height);
    }
  }

  /** The legend's entries in one or more rows. @return the height it took */
  static double drawLegend(Svg svg, List<Series> series, double left, double top, double width) {
    List<String> names = new ArrayList<>();
    double x = left;
    double y = top;
    for (Series entry : series) {
      if (names.contains(entry.name())) {
        continue;
      }
      names.add(entry.name());
      double needed = 40 + textWidth(entry.name());
      if (x > left && x + needed > left + width) {
        x = left;
        y += 19;
      }
      svg.group("series c" + entry.colour());
      if (entry.stroke() == Stroke.BAND) {
        svg.rectangle(x, y - 5, 26, 10, "band", "");
      }
      if (entry.stroke() != Stroke.MARKERS) {
        svg.line(x, y, x + 26, y, strokeClass(entry.stroke()));
      }
      if (hasMarkers(entry.stroke())) {
        svg.path(marker(entry.colour(), x + 13, y), "marker", "");
      }
      svg.end();
      svg.text(x + 31, y + 4, "start", "legend", entry.name());
      x += needed + 14;
    }
    return names.isEmpty() ? 0 : y - top + 19;
  }

  /** A generous estimate of the width of legend text, as no font is known here. */
  static double textWidth(String text) {
    return text.length() * 6.4;
  }

  private void drawLine(Svg svg, Series line, double width, double height) {
    svg.group("series c" + line.colour());
    List<Point> points = line.points();
    if (line.stroke() == Stroke.BAND && points.size() > 1) {
      StringBuilder band = new StringBuilder();
      for (int i = 0; i < points.size(); i++) {
        appendPoint(
            band, i == 0 ? 'M' : 'L', points.get(i).x(), points.get(i).high(), width, height);
      }
      for (int i = points.size() - 1; i >= 0; i--) {
        appendPoint(band, 'L', points.get(i).x(), points.get(i).low(), width, height);
      }
      svg.path(band.append('Z').toString(), "band", "");
    }
    if (line.stroke() != Stroke.MARKERS && points.size() > 1) {
      StringBuilder path = new StringBuilder();
      for (int i = 0; i < points.size(); i++) {
        appendPoint(path, i == 0 ? 'M' : 'L', points.get(i).x(), points.get(i).y(), width, height);
      }
      svg.path(path.toString(), strokeClass(line.stroke()), "");
    }
    if (line.stroke() == Stroke.BARS || line.stroke() == Stroke.MARKERS || points.size() == 1) {
      for (Point point : points) {
        if (point.high() > point.low()) {
          double at = x.place(point.x()) * width;
          svg.line(
              at,
              (1 - y.place(point.low())) * height,
              at,
              (1 - y.place(point.high())) * height,
              "bar");
        }
      }
    }
    svg.end();
  }

  private void drawMarkers(
      Svg svg, Series line, double left, double top, double width, double height) {
    if (!hasMarkers(line.stroke())) {
      return;
    }
    svg.group("series c" + line.colour());
    for (Point point : line.points()) {
      double placeX = x.place(point.x());
      double placeY = y.place(point.y());
      if (placeX < -1e-6 || placeX > 1 + 1e-6 || placeY < -1e-6) {
        continue;
      }
      double atX = left + placeX * width;
      if (placeY > 1 + 1e-6) {
        svg.path(
            "M" + Svg.number(atX - 4) + " " + Svg.number(top + 7) + "l4 -6l4 6Z",
            "marker beyond",
            point.tooltip());
      } else {
        svg.path(
            marker(line.colour(), atX, top + (1 - placeY) * height), "marker", point.tooltip());
      }
    }
    svg.end();
  }

  /** Names at the right end of the reference lines, moved apart where they would overlap. */
  private void drawLabels(Svg svg, double right, double top, double height) {
    List<Reference> inside = new ArrayList<>();
    List<Reference> above = new ArrayList<>();
    for (Reference reference : references) {
      (y.place(reference.y()) > 1 + 1e-6 ? above : inside).add(reference);
    }
    inside.sort(Comparator.comparingDouble((Reference r) -> r.y()).thenComparing(Reference::name));
    above.sort(Comparator.comparingDouble((Reference r) -> -r.y()).thenComparing(Reference::name));
    double[] heights = new double[inside.size()];
    for (int i = 0; i < heights.length; i++) {
      double wanted = top + (1 - y.place(inside.get(i).y())) * height;
      heights[i] = i == 0 ? wanted : Math.min(wanted, heights[i - 1] - LABEL_SPACING);
    }
    // Pushed upwards from the lowest; if the highest left the room below those named above the
    // frame, push back down.
    double ceiling = top + above.size() * LABEL_SPACING;
    for (int i = heights.length - 1; i >= 0; i--) {
      heights[i] = Math.max(heights[i], ceiling);
      ceiling = heights[i] + LABEL_SPACING;
    }
    for (int i = 0; i < heights.length; i++) {
      Reference reference = inside.get(i);
      double line = top + (1 - y.place(reference.y())) * height;
      String style = reference.strong() ? "label strong" : "label";
      svg.path(
          "M"
              + Svg.number(right)
              + " "
              + Svg.number(line)
              + "L"
              + Svg.number(right + 12)
              + " "
              + Svg.number(heights[i]),
          "leader",
          "");
      svg.text(right + 15, heights[i] + 4, "start", style, name(reference));
    }
    for (int i = 0; i < above.size(); i++) {
      svg.text(right + 3, top + 4 + i * LABEL_SPACING, "start", "label", "↑ " + name(above.get(i)));
    }
  }

  private static String name(Reference reference) {
    return reference.name() + " " + new Numbers().signed(reference.y(), 3);
  }

  private void appendPoint(
      StringBuilder path, char command, double atX, double atY, double width, double height) {
    // Far-away points are pulled in to twenty frames' distance: some renderers draw huge
    // coordinates badly.
    double place = Math.max(-20, Math.min(20, y.place(atY)));
    path.append(command)
        .append(Svg.number(x.place(atX) * width))
        .append(' ')
        .append(Svg.number((1 - place) * height));
  }

  private static boolean hasMarkers(Stroke stroke) {
    return stroke == Stroke.BAND || stroke == Stroke.BARS || stroke == Stroke.MARKERS;
  }

  private static String strokeClass(Stroke stroke) {
    return switch (stroke) {
      case BAND -> "line";
      case BARS -> "line dashed";
      case PLAIN -> "line thin";
      case DOTTED -> "line thin dotted";
      case MARKERS -> "";
    };
  }

  /** A shape of its own for every colour, so that colour is never the only difference. */
  private static String marker(int colour, double x, double y) {
    double h = MARKER / 2;
    String at = "M" + Svg.number(x) + " " + Svg.number(y);
    return switch (Math.floorMod(colour, 5)) {
      case 0 -> at + "m-3.6 0a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0 -7.2 0Z";
      case 1 -> at + "m-3.4 -3.4h6.8v6.8h-6.8Z";
      case 2 -> at + "m0 -" + Svg.number(h + .4) + "l" + h + " 7.4h-8Z";
      case 3 -> at + "m0 -4.8l4.8 4.8l-4.8 4.8l-4.8 -4.8Z";
      default -> at + "m-4.2 -3.2l4.2 7.6l4.2 -7.6Z";
    };
  }
}
