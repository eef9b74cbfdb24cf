package dev.palimpsest.report;

import dev.palimpsest.results.Interval;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Numbers as the report prints them: the same everywhere, whatever the machine's language. An
 * absent value is an en dash. An instance is handed to the page's template.
 */
public final class Numbers {
  private static final String ABSENT = "–";

  /** A number with {@code decimals} decimals and a true minus sign. */
  public String fixed(double value, int decimals) {
    if (!Double.isFinite(value)) {
      return ABSENT;
    }
    String text = String.format(Locale.ROOT, "%." + decimals + "f", Math.abs(value));
    return (value < 0 && text.matches(".*[1-9].*") ? "−" : "") + text;
  }

  /** As {@link #fixed(double, int)}. */
  public String fixed(OptionalDouble value, int decimals) {
    return value.isPresent() ? fixed(value.getAsDouble(), decimals) : ABSENT;
  }

  /** A difference: always with its sign, except 0. */
  public String signed(double value, int decimals) {
    String text = fixed(value, decimals);
    return value > 0 && text.matches(".*[1-9].*") ? "+" + text : text;
  }

  /** As {@link #signed(double, int)}. */
  public String signed(OptionalDouble value, int decimals) {
    return value.isPresent() ? signed(value.getAsDouble(), decimals) : ABSENT;
  }

  /** An interval of differences, "[+0.10, +0.20]"; empty text if absent. */
  public String signed(Optional<Interval> interval, int decimals) {
    return interval
        .map(i -> "[" + signed(i.low(), decimals) + ", " + signed(i.high(), decimals) + "]")
        .orElse("");
  }

  /** An interval, "[0.10, 0.20]"; empty text if absent. */
  public String fixed(Optional<Interval> interval, int decimals) {
    return interval
        .map(i -> "[" + fixed(i.low(), decimals) + ", " + fixed(i.high(), decimals) + "]")
        .orElse("");
  }

  /** A p-value: three decimals, or the power of ten where that would be 0. */
  public String pValue(OptionalDouble value) {
    if (value.isEmpty()) {
      return ABSENT;
    }
    double p = value.getAsDouble();
    if (p >= 0.001) {
      return fixed(p, 3);
    }
    return p < 1e-15
        ? "< 1e−15"
        : String.format(Locale.ROOT, "%.0e", p).replace("e-0", "e-").replace('-', '−');
  }

  /** A p-value and, in brackets, the same corrected for several tests, where there is one. */
  public String pValue(OptionalDouble value, OptionalDouble corrected) {
    return corrected.isEmpty() ? pValue(value) : pValue(value) + " (" + pValue(corrected) + ")";
  }

  /** A share in percent with as many decimals as it needs, at most five: "0.1 %", "60 %". */
  public String percent(double share) {
    String text = String.format(Locale.ROOT, "%.5f", share * 100);
    return text.replaceAll("\\.?0+$", "").replace('-', '−') + " %";
  }

  /** A small share such as a density: two significant digits, in percent. */
  public String density(double share) {
    if (share <= 0) {
      return "0 %";
    }
    double percent = share * 100;
    int decimals = Math.max(0, 1 - (int) Math.floor(Math.log10(percent)));
    return fixed(percent, Math.min(decimals, 6)) + " %";
  }

  /** As {@link #density(double)}. */
  public String density(OptionalDouble share) {
    return share.isPresent() ? density(share.getAsDouble()) : ABSENT;
  }

  /** A count with a narrow space between thousands. */
  public String count(long value) {
    return String.format(Locale.ROOT, "%,d", value).replace(',', '\u202F').replace('-', '−');
  }
}
