package dev.palimpsest.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * One axis of a chart.
 *
 * @param label what is measured, with its unit
 * @param scale how values are spread
 * @param low value at the lower end
 * @param high value at the upper end, above {@code low}
 * @param ticks marked values, ascending
 */
record Axis(String label, Scale scale, double low, double high, List<Tick> ticks) {
  /** How values are spread over an axis. */
  enum Scale {
    /** Evenly. */
    LINEAR,
    /** By their logarithm; only for values above 0. */
    LOG,
    /**
     * By their cube root: spreads small shares nearly as a logarithm does, keeps large ones apart,
     * has a 0.
     */
    CUBE_ROOT;

    private double bend(double value) {
      return switch (this) {
        case LINEAR -> value;
        case LOG -> Math.log10(value);
        case CUBE_ROOT -> Math.cbrt(value);
      };
    }
  }

  /**
   * @param value where
   * @param label what is written there
   */
  record Tick(double value, String label) {}

  /** Where a value lies: 0 at the lower end, 1 at the upper end, beyond both if it is outside. */
  double place(double value) {
    double from = scale.bend(low);
    return (scale.bend(value) - from) / (scale.bend(high) - from);
  }

  /** A linear axis over at least [low, high], widened to round ticks. */
  static Axis linear(String label, double low, double high) {
    double span = high > low ? high - low : Math.max(Math.abs(high), 1e-9);
    double step = roundStep(span / 6);
    double from = Math.floor(low / step + 1e-9) * step;
    double to = Math.ceil(high / step - 1e-9) * step;
    if (to <= from) {
      to = from + step;
    }
    int decimals = Math.max(0, (int) -Math.floor(Math.log10(step) + 1e-9));
    Numbers numbers = new Numbers();
    List<Tick> ticks = new ArrayList<>();
    for (long i = Math.round(from / step); i <= Math.round(to / step); i++) {
      ticks.add(new Tick(i * step, tickLabel(numbers, i * step, decimals)));
    }
    return new Axis(label, Scale.LINEAR, from, to, ticks);
  }

  /** A logarithmic axis over [low, high] with ticks at 1, 2 and 5 times the powers of ten. */
  static Axis log(String label, double low, double high) {
    double from = low;
    double to = high > low * 1.05 ? high : low * 1.05;
    List<Tick> ticks = new ArrayList<>();
    boolean wide = to / from > 300;
    for (int power = (int) Math.floor(Math.log10(from));
        power <= Math.ceil(Math.log10(to));
        power++) {
      for (int digit :
          wide
              ? new int[] {1}
              : to / from > 4 ? new int[] {1, 2, 5} : new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9}) {
        double value = digit * Math.pow(10, power);
        if (value >= from * 0.999 && value <= to * 1.001) {
          ticks.add(new Tick(value, plain(value)));
        }
      }
    }
    return new Axis(label, Scale.LOG, from, to, ticks);
  }

  private static String tickLabel(Numbers numbers, double value, int decimals) {
    return decimals == 0 && Math.abs(value) >= 10_000
        ? numbers.count(Math.round(value))
        : numbers.fixed(value, decimals);
  }

  /** A number without needless zeros. */
  static String plain(double value) {
    if (value != 0 && Math.abs(value) < 1e-4) {
      return String.format(Locale.ROOT, "%.0e", value).replace("e-0", "e-").replace('-', '−');
    }
    String text = String.format(Locale.ROOT, "%.4f", value);
    return text.replaceAll("\\.?0+$", "").replace('-', '−');
  }

  /** The nearest of 1, 2, 2.5, 5 times a power of ten that is at least {@code raw}. */
  private static double roundStep(double raw) {
    double power = Math.pow(10, Math.floor(Math.log10(raw)));
    for (double digit : new double[] {1, 2, 2.5, 5}) {
      if (raw <= digit * power * (1 + 1e-9)) {
        return digit * power;
      }
    }
    return 10 * power;
  }
}
