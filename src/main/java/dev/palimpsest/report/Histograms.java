package dev.palimpsest.report;

import java.util.ArrayList;
import java.util.List;

/** Bar charts of distributions. */
final class Histograms {
  private static final double WIDTH = 460;
  private static final double HEIGHT = 200;
  private static final double LEFT = 52;
  private static final double TOP = 26;

  private Histograms() {}

  /**
   * Latents by the power of ten of their density; those never active are counted in the caption,
   * not drawn.
   */
  static String densities(List<Double> densities) {
    double low = 0;
    double high = -20;
    for (double density : densities) {
      if (density > 0) {
        low = Math.min(low, Math.log10(density));
        high = Math.max(high, Math.log10(density));
      }
    }
    if (high < low) {
      low = -4;
      high = 0;
    }
    int perDecade = high - low < 2.5 ? 10 : 4;
    double from = Math.floor(low * perDecade) / perDecade;
    double to = Math.max(from + 1.0 / perDecade, Math.ceil(high * perDecade) / perDecade);
    int bins = (int) Math.round((to - from) * perDecade);
    long[] counts = new long[bins];
    for (double density : densities) {
      if (density > 0) {
        int bin = (int) ((Math.log10(density) - from) * perDecade);
        counts[Math.max(0, Math.min(bins - 1, bin))]++;
      }
    }
    int[] digits = perDecade == 10 ? new int[] {1, 2, 5} : new int[] {1};
    List<Axis.Tick> ticks = new ArrayList<>();
    for (int power = (int) Math.floor(from); power <= to; power++) {
      for (int digit : digits) {
        double at = power + Math.log10(digit);
        if (at >= from - 1e-9 && at <= to + 1e-9) {
          String label = new Numbers().percent(digit * Math.pow(10, power)).replace(" ", "");
          ticks.add(new Axis.Tick(at, label));
        }
      }
    }
    Axis x =
        new Axis("share of tokens at which a latent is active", Axis.Scale.LINEAR, from, to, ticks);
    return draw("Latents by density", x, counts);
  }

  /** Latents by score from 0 to 1 in steps of 0.05. */
  static String scores(List<Double> scores) {
    long[] counts = new long[20];
    for (double score : scores) {
      if (Double.isFinite(score)) {
        counts[Math.max(0, Math.min(19, (int) (score * 20 + 1e-9)))]++;
      }
    }
    List<Axis.Tick> ticks = new ArrayList<>();
    for (int i = 0; i <= 10; i += 2) {
      ticks.add(new Axis.Tick(i / 10.0, Axis.plain(i / 10.0)));
    }
    Axis x = new Axis("detection score (0.5 is chance)", Axis.Scale.LINEAR, 0, 1, ticks);
    return draw("Latents by detection score", x, counts);
  }

  /**
   * A latent's activations above 0: small, without a vertical axis, heights by square root so that
   * the tail shows.
   */
  static String activations(LatentPage.Histogram histogram) {
    double width = 220;
    double height = 44;
    Svg svg =
        new Svg(width, height + 16, "Activations above 0, heights by square root of the count");
    long most = 1;
    for (long count : histogram.counts()) {
      most = Math.max(most, count);
    }
    int bins = histogram.counts().size();
    Numbers numbers = new Numbers();
    for (int i = 0; i < bins; i++) {
      long count = histogram.counts().get(i);
      double bar = Math.sqrt((double) count / most) * (height - 2);
      double binLow = histogram.low() + (histogram.high() - histogram.low()) * i / bins;
      double binHigh = histogram.low() + (histogram.high() - histogram.low()) * (i + 1) / bins;
      svg.rectangle(
          i * width / bins,
          height - bar,
          Math.max(0.5, width / bins - 1),
          bar,
          "column",
          numbers.fixed(binLow, 2)
              + " to "
              + numbers.fixed(binHigh, 2)
              + ": "
              + numbers.count(count));
    }
    svg.line(0, height, width, height, "base");
    svg.text(0, height + 12, "start", "tick", numbers.fixed(histogram.low(), 1));
    svg.text(width, height + 12, "end", "tick", numbers.fixed(histogram.high(), 2));
    return svg.finish();
  }

  private static String draw(String title, Axis x, long[] counts) {
    long most = 1;
    for (long count : counts) {
      most = Math.max(most, count);
    }
    Axis y = Axis.linear("latents", 0, (double) most);
    double frameWidth = WIDTH - LEFT - 14;
    double frameHeight = HEIGHT - TOP - 42;
    Svg svg = new Svg(WIDTH, HEIGHT, title);
    svg.text(LEFT + frameWidth / 2, 14, "middle", "heading", title);
    for (Axis.Tick tick : y.ticks()) {
      double at = TOP + (1 - y.place(tick.value())) * frameHeight;
      svg.line(LEFT, at, LEFT + frameWidth, at, "grid");
      if (tick.value() == Math.rint(tick.value())) {
        svg.text(LEFT - 6, at + 4, "end", "tick", new Numbers().count(Math.round(tick.value())));
      }
    }
    Numbers numbers = new Numbers();
    double slot = frameWidth / counts.length;
    for (int i = 0; i < counts.length; i++) {
      double bar = y.place((double) counts[i]) * frameHeight;
      if (counts[i] > 0) {
        svg.rectangle(
            LEFT + i * slot + 0.75,
            TOP + frameHeight - bar,
            slot - 1.5,
            bar,
            "column",
            numbers.count(counts[i]) + " latents");
      }
    }
    svg.line(LEFT, TOP + frameHeight, LEFT + frameWidth, TOP + frameHeight, "base");
    for (Axis.Tick tick : x.ticks()) {
      double at = LEFT + x.place(tick.value()) * frameWidth;
      svg.line(at, TOP + frameHeight, at, TOP + frameHeight + 4, "base");
      svg.text(at, TOP + frameHeight + 17, "middle", "tick", tick.label());
    }
    svg.text(LEFT + frameWidth / 2, TOP + frameHeight + 35, "middle", "axis", x.label());
    return svg.finish();
  }
}
