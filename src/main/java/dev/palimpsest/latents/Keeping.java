package dev.palimpsest.latents;

import java.time.Duration;

/**
 * When a long stage keeps what it has done so far, so that a killed one goes on from there: after
 * some time, and never so often that keeping takes more than a tenth of it.
 */
public final class Keeping {
  private static final Duration USUAL = Duration.ofSeconds(15);
  private static final int SHARE = 10;

  private final long leastNanos;
  private long waitNanos;
  private long last = System.nanoTime();

  private Keeping(Duration least) {
    leastNanos = least.toNanos();
    waitNanos = leastNanos;
  }

  /** Every 15 seconds or more. */
  public static Keeping usual() {
    return new Keeping(USUAL);
  }

  /** After every batch, for tests that kill. */
  public static Keeping always() {
    return new Keeping(Duration.ZERO);
  }

  /**
   * Keeps the work if it is time to.
   *
   * @param work writes it to disk
   */
  public void ifDue(Runnable work) {
    long now = System.nanoTime();
    if (now - last < waitNanos) {
      return;
    }
    work.run();
    last = System.nanoTime();
    waitNanos = leastNanos == 0 ? 0 : Math.max(leastNanos, SHARE * (last - now));
  }
}
