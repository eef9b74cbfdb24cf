package dev.palimpsest.report;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;

/**
 * Writes one SVG image, element by element. Colours come from CSS classes, so that the same image
 * follows the light and the dark scheme of the page it stands in.
 */
final class Svg {
  private final StringBuilder out = new StringBuilder();
  private final Deque<String> open = new ArrayDeque<>();

  /**
   * @param width in user units; the image scales to its place, up to 1.2 pixels a unit
   * @param height in user units
   * @param title what the image is, read out to those who cannot see it
   */
  Svg(double width, double height, String title) {
    out.append("<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 ")
        .append(number(width))
        .append(' ')
        .append(number(height))
        .append("\" class=\"chart\" style=\"max-width:")
        .append(number(Math.rint(width * 1.2)))
        .append("px\">");
    open.push("svg");
    title(title);
  }

  /** A tooltip for the element that is open. */
  Svg title(String text) {
    out.append("<title>").append(escape(text)).append("</title>");
    return this;
  }

  /** Opens a group; everything up to {@link #end} takes its class. */
  Svg group(String styleClass) {
    return start("g", "class", styleClass);
  }

  /** Opens a window of its own coordinates, outside of which nothing is drawn. */
  Svg window(double x, double y, double width, double height) {
    return start(
        "svg", "x", number(x), "y", number(y), "width", number(width), "height", number(height));
  }

  /** Closes what was opened last. */
  Svg end() {
    out.append("</").append(open.pop()).append('>');
    return this;
  }

  Svg line(double x1, double y1, double x2, double y2, String styleClass) {
    return start(
            "line",
            "x1",
            number(x1),
            "y1",
            number(y1),
            "x2",
            number(x2),
            "y2",
            number(y2),
            "class",
            styleClass)
        .end();
  }

  Svg rectangle(
      double x, double y, double width, double height, String styleClass, String tooltip) {
    start(
        "rect",
        "x",
        number(x),
        "y",
        number(y),
        "width",
        number(width),
        "height",
        number(height),
        "class",
        styleClass);
    if (!tooltip.isEmpty()) {
      title(tooltip);
    }
    return end();
  }

  Svg path(String data, String styleClass, String tooltip) {
    start("path", "d", data, "class", styleClass);
    if (!tooltip.isEmpty()) {
      title(tooltip);
    }
    return end();
  }

  /**
   * @param anchor "start", "middle" or "end"
   */
  Svg text(double x, double y, String anchor, String styleClass, String content) {
    start("text", "x", number(x), "y", number(y), "text-anchor", anchor, "class", styleClass);
    out.append(escape(content));
    return end();
  }

  /** Text written upwards, centred on (x, y). */
  Svg textUpwards(double x, double y, String styleClass, String content) {
    start(
        "text",
        "transform",
        "translate(" + number(x) + " " + number(y) + ") rotate(-90)",
        "text-anchor",
        "middle",
        "class",
        styleClass);
    out.append(escape(content));
    return end();
  }

  /** The finished image. */
  String finish() {
    while (!open.isEmpty()) {
      end();
    }
    return out.toString();
  }

  /** A coordinate with at most two decimals. */
  static String number(double value) {
    String text = String.format(Locale.ROOT, "%.2f", value);
    int end = text.length();
    while (text.charAt(end - 1) == '0') {
      end--;
    }
    if (text.charAt(end - 1) == '.') {
      end--;
    }
    text = text.substring(0, end);
    return text.equals("-0") ? "0" : text;
  }

  /** Text safe inside an element or a quoted attribute, of characters that XML 1.0 allows. */
  static String escape(String text) {
    String shown = TokenText.visible(text);
    StringBuilder escaped = new StringBuilder(shown.length() + 16);
    for (int i = 0; i < shown.length(); i++) {
      char c = shown.charAt(i);
      switch (c) {
        case '&' -> escaped.append("&amp;");
        case '<' -> escaped.append("&lt;");
        case '>' -> escaped.append("&gt;");
        case '"' -> escaped.append("&quot;");
        case '\'' -> escaped.append("&#39;");
        default -> escaped.append(c);
      }
    }
    return escaped.toString();
  }

  private Svg start(String element, String... attributes) {
    out.append('<').append(element);
    for (int i = 0; i < attributes.length; i += 2) {
      out.append(' ')
          .append(attributes[i])
          .append("=\"")
          .append(escape(attributes[i + 1]))
          .append('"');
    }
    out.append('>');
    open.push(element);
    return this;
  }
}
