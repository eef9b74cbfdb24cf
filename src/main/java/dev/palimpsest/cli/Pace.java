package dev.palimpsest.cli;

import java.util.Locale;
import java.util.OptionalDouble;

/** Speed of a piece of work and the time it will still take, measured from where it was begun. */
final class Pace {
  private final long firstDone;
  private final long firstNanos;
  private long done;
  private long total;
  private long nanos;

  /**
   * @param done units that were done when the clock started
   * @param nanos the clock
   */
  Pace(long done, long total, long nanos) {
    this.firstDone = done;
    this.firstNanos = nanos;
    this.done = done;
    this.total = total;
    this.nanos = nanos;
  }

  /** Where the work stands now. */
  void at(long nowDone, long nowTotal, long nowNanos) {
    done = nowDone;
    total = nowTotal;
    nanos = nowNanos;
  }

  /** Units a second; empty before there is anything to measure. */
  OptionalDouble rate() {
    double seconds = seconds();
    return done > firstDone && seconds > 0
        ? OptionalDouble.of((done - firstDone) / seconds)
        : OptionalDouble.empty();
  }

  /** Seconds left at this speed. */
  OptionalDouble secondsLeft() {
    OptionalDouble rate = rate();
    return rate.isPresent()
        ? OptionalDouble.of(Math.max(0, total - done) / rate.getAsDouble())
        : OptionalDouble.empty();
  }

  /** Seconds since the clock started. */
  double seconds() {
    return (nanos - firstNanos) / 1e9;
  }

  /** The share of the work that is done since the clock started. */
  double share() {
    return total == 0 ? 0 : (double) (done - firstDone) / total;
  }

  /** Hours, minutes and seconds: {@code 1:02:03}. */
  static String clock(double seconds) {
    long whole = Math.round(seconds);
    return String.format(Locale.ROOT, "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
  }
}
