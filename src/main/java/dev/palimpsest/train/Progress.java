package dev.palimpsest.train;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** Tells people how far a run is, with tokens a second and the time left. */
public interface Progress extends AutoCloseable {
  /** Called once, before the first step. */
  void start(long done, long total);

  /**
   * Called after every step.
   *
   * @param tokens read so far
   * @param fvu of the first coder on this batch
   */
  void step(long tokens, double fvu);

  @Override
  void close();

  /** Says nothing. */
  static Progress none() {
    return new Progress() {
      @Override
      public void start(long done, long total) {}

      @Override
      public void step(long tokens, double fvu) {}

      @Override
      public void close() {}
    };
  }

  /** A bar where the process's stderr is a terminal; elsewhere one line every ten seconds. */
  static Progress on(PrintWriter err) {
    return errorsGoToTerminal() ? new Bar() : new Lines(err);
  }

  private static boolean errorsGoToTerminal() {
    try {
      String target = Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
      return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
    } catch (IOException | UnsupportedOperationException unknown) {
      return false;
    }
  }

  /** A moving bar on the process's stderr. */
  final class Bar implements Progress {
    private @Nullable ProgressBar bar;

    @Override
    public void start(long done, long total) {
      bar =
          new ProgressBarBuilder()
              .setTaskName("training")
              .setInitialMax(total)
              .startsFrom(done, java.time.Duration.ZERO)
              .setUnit(" tokens", 1)
              .setStyle(ProgressBarStyle.COLORFUL_UNICODE_BLOCK)
              .showSpeed(new java.text.DecimalFormat("#,##0"))
              .setUpdateIntervalMillis(500)
              .setConsumer(new ConsoleProgressBarConsumer(System.err))
              .build();
    }

    @Override
    public void step(long tokens, double fvu) {
      if (bar != null) {
        bar.stepTo(tokens);
        bar.setExtraMessage(String.format(Locale.ROOT, " fvu %.4f", fvu));
      }
    }

    @Override
    public void close() {
      if (bar != null) {
        bar.close();
      }
    }
  }

  /** Plain lines for logs. */
  final class Lines implements Progress {
    private static final long INTERVAL_NANOS = 10_000_000_000L;

    private final PrintWriter err;
    private long total;
    private long startTokens;
    private long startNanos;
    private long lastNanos;

    Lines(PrintWriter err) {
      this.err = err;
    }

    @Override
    public void start(long done, long all) {
      total = all;
      startTokens = done;
      startNanos = System.nanoTime();
      lastNanos = startNanos;
    }

    @Override
    public void step(long tokens, double fvu) {
      long now = System.nanoTime();
      if (now - lastNanos < INTERVAL_NANOS) {
        return;
      }
      lastNanos = now;
      double speed = (tokens - startTokens) / ((now - startNanos) / 1e9);
      long left = Math.round((total - tokens) / speed);
      err.printf(
          Locale.ROOT,
          "training: %,d of %,d tokens (%.0f %%), %,.0f tokens/s, %d:%02d:%02d left, fvu %.4f%n",
          tokens,
          total,
          100.0 * tokens / total,
          speed,
          left / 3600,
          left / 60 % 60,
          left % 60,
          fvu);
      err.flush();
    }

    @Override
    public void close() {}
  }
}
