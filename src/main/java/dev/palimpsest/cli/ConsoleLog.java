package dev.palimpsest.cli;

import dev.palimpsest.run.RunLog;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.LongSupplier;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.jspecify.annotations.Nullable;

/**
 * Tells a person on stderr how a command gets on: a bar that redraws itself on a terminal, plain
 * lines every ten seconds elsewhere (logs, CI), nothing with {@code --quiet}. The one display of
 * all commands.
 */
final class ConsoleLog implements RunLog {
  private static final long LINE_EVERY_NANOS = 10_000_000_000L;

  private final PrintWriter err;
  private final boolean quiet;
  private final boolean terminal;
  private final LongSupplier clock;
  private @Nullable ProgressBar bar;
  private final ProgressLine behindBar = new ProgressLine();
  private String inHand = "";
  private Pace pace;
  private StageCount stages = new StageCount(List.of());
  private long lastLine;

  /** Whether a line of what is in hand has been printed. */
  private boolean shown;

  ConsoleLog(PrintWriter err, boolean quiet) {
    // Set by the launcher, which can ask whether stderr is a terminal; the virtual machine cannot.
    this(err, quiet, Boolean.getBoolean("palimpsest.terminal"), System::nanoTime);
  }

  /**
   * @param clock nanoseconds
   */
  ConsoleLog(PrintWriter err, boolean quiet, boolean terminal, LongSupplier clock) {
    this.err = err;
    this.quiet = quiet;
    this.terminal = terminal;
    this.clock = clock;
    lastLine = clock.getAsLong();
    pace = new Pace(0, 0, lastLine);
  }

  @Override
  public synchronized void planned(List<Planned> all) {
    stages = new StageCount(all);
  }

  @Override
  public synchronized void device(String description) {
    line("device: " + description);
  }

  @Override
  public synchronized void says(String text) {
    line("  " + text);
  }

  @Override
  public synchronized void started(String stage) {
    stages.at(stage);
    line("▸ " + stage + stages.place().map(place -> " (" + place + ")").orElse(""));
    inHand = "";
    lastLine = clock.getAsLong();
  }

  @Override
  public synchronized void skipped(String stage, double seconds) {
    stages.at(stage);
    line(String.format(Locale.ROOT, "✓ %s (done before, %.1f s)", stage, seconds));
  }

  @Override
  public synchronized void finished(String stage, double seconds) {
    stages.finished(seconds);
    line(String.format(Locale.ROOT, "✓ %s (%.1f s)", stage, seconds));
  }

  @Override
  public synchronized void advanced(String what, String unit, long done, long total, String note) {
    if (quiet) {
      return;
    }
    long now = clock.getAsLong();
    if (!inHand.equals(what)) {
      closeBar();
      inHand = what;
      shown = false;
      pace = new Pace(done, total, now);
    }
    pace.at(done, total, now);
    if (terminal) {
      redraw(what, unit, done, total, note);
    } else if (now - lastLine >= LINE_EVERY_NANOS || (shown && done >= total)) {
      // What has been followed is followed to its end.
      shown = true;
      lastLine = now;
      line(describe(what, unit, done, total, note));
    }
    if (done >= total) {
      closeBar();
      inHand = "";
    }
  }

  private String describe(String what, String unit, long done, long total, String note) {
    StringBuilder text = new StringBuilder("  ");
    stages.place().ifPresent(place -> text.append(place).append(", "));
    text.append(
        String.format(
            Locale.ROOT,
            "%s: %,d of %,d %s (%.0f %%)",
            what,
            done,
            total,
            unit,
            100.0 * done / Math.max(1, total)));
    pace.rate().ifPresent(rate -> text.append(", ").append(rate(rate, unit)));
    if (done >= total) {
      text.append(", done in ").append(Pace.clock(pace.seconds()));
    } else {
      pace.secondsLeft().ifPresent(left -> text.append(", " + Pace.clock(left) + " left"));
    }
    stages
        .secondsLeft(pace)
        .ifPresent(left -> text.append(", about " + Pace.clock(left) + " for all stages"));
    return note.isEmpty() ? text.toString() : text + ", " + note;
  }

  private void redraw(String what, String unit, long done, long total, String note) {
    ProgressBar current = bar;
    if (current == null) {
      current =
          new ProgressBarBuilder()
              .setTaskName("  " + stages.shortPlace().map(place -> place + " ").orElse("") + what)
              .setInitialMax(total)
              .startsFrom(done, Duration.ZERO)
              .setUpdateIntervalMillis(200)
              .setRenderer(behindBar)
              .setConsumer(new ConsoleProgressBarConsumer(System.err))
              .build();
      bar = current;
    }
    current.maxHint(total);
    current.stepTo(done);
    List<String> parts = new ArrayList<>();
    pace.rate().ifPresent(rate -> parts.add(rate(rate, unit)));
    pace.secondsLeft().ifPresent(left -> parts.add(Pace.clock(left) + " left"));
    stages.secondsLeft(pace).ifPresent(left -> parts.add("all " + Pace.clock(left)));
    parts.add(String.format(Locale.ROOT, "%,d/%,d", done, total));
    if (!note.isEmpty()) {
      parts.add(note);
    }
    behindBar.show(parts);
  }

  private static String rate(double rate, String unit) {
    return String.format(Locale.ROOT, rate < 10 ? "%.2f %s/s" : "%,.0f %s/s", rate, unit);
  }

  private void line(String text) {
    closeBar();
    if (!quiet) {
      err.println(text);
    }
  }

  private void closeBar() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }
}
