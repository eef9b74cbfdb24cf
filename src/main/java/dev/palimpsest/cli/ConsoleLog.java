package dev.palimpsest.cli;

import dev.palimpsest.run.RunLog;
import java.io.PrintWriter;
import java.util.Locale;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/**
 * Tells a person on stderr how a run gets on: a bar that redraws itself on a terminal, plain lines
 * every ten seconds elsewhere (logs, CI), nothing with {@code --quiet}.
 */
final class ConsoleLog implements RunLog {
  private static final long LINE_EVERY_NANOS = 10_000_000_000L;

  private final PrintWriter err;
  private final boolean quiet;
  private final boolean terminal;
  private @Nullable ProgressBar bar;
  private String inBar = "";
  private long lastLine = System.nanoTime();

  ConsoleLog(PrintWriter err, boolean quiet) {
    this.err = err;
    this.quiet = quiet;
    // Set by the launcher, which can ask whether stderr is a terminal; the virtual machine cannot.
    this.terminal = Boolean.getBoolean("palimpsest.terminal");
  }

  @Override
  public void device(String description) {
    line("device: " + description);
  }

  @Override
  public void started(String stage) {
    line("▸ " + stage);
    lastLine = System.nanoTime();
  }

  @Override
  public void skipped(String stage, double seconds) {
    line(String.format(Locale.ROOT, "✓ %s (done before, %.1f s)", stage, seconds));
  }

  @Override
  public void finished(String stage, double seconds) {
    line(String.format(Locale.ROOT, "✓ %s (%.1f s)", stage, seconds));
  }

  @Override
  public void progress(String what, long done, long total, String note) {
    if (quiet) {
      return;
    }
    if (terminal) {
      redraw(what, done, total, note);
    } else if (System.nanoTime() - lastLine >= LINE_EVERY_NANOS) {
      lastLine = System.nanoTime();
      line(
          String.format(
                  Locale.ROOT,
                  "  %s: %,d of %,d (%.0f %%) %s",
                  what,
                  done,
                  total,
                  100.0 * done / Math.max(1, total),
                  note)
              .stripTrailing());
    }
  }

  private void redraw(String what, long done, long total, String note) {
    ProgressBar current = bar;
    if (current == null || !inBar.equals(what)) {
      closeBar();
      inBar = what;
      current =
          new ProgressBarBuilder()
              .setTaskName("  " + what)
              .setInitialMax(total)
              .setStyle(ProgressBarStyle.UNICODE_BLOCK)
              .setUpdateIntervalMillis(200)
              .showSpeed()
              .setConsumer(new ConsoleProgressBarConsumer(System.err))
              .build();
      bar = current;
    }
    current.maxHint(total);
    current.stepTo(done);
    current.setExtraMessage(note);
    if (done >= total) {
      closeBar();
    }
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
