package dev.palimpsest.rewrite;

import dev.palimpsest.results.Interval;
import dev.palimpsest.results.RewriteConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * When an evaluation has seen enough ({@code rewrite.until_ci}): when the 95 % interval of the
 * headline's added cross-entropy is no wider than twice the wanted half-width. It looks after
 * {@value #FIRST_LOOK} windows and at every doubling and nowhere else, whatever the batches are,
 * and the table tells at which: every look is a chance to stop at an interval that is too narrow by
 * accident, so few looks set beforehand keep the interval's coverage near its 95 %.
 */
final class StoppingRule {
  /** Fewer windows make no interval that could be trusted. */
  static final int FIRST_LOOK = 64;

  private final double halfWidth;
  private final List<Integer> looks = new ArrayList<>();

  StoppingRule(RewriteConfig config) {
    halfWidth = config.untilCi();
  }

  /**
   * How many windows the next batch may have so that it does not pass by the next look.
   *
   * @param wanted of a whole batch
   * @param done windows so far
   */
  int most(int wanted, int done) {
    return halfWidth > 0 ? Math.min(wanted, nextLook(done) - done) : wanted;
  }

  /** Whether the interval is to be looked at now; remembers that it was. */
  boolean looksAt(int done) {
    boolean now = halfWidth > 0 && done > 0 && nextLook(done - 1) == done;
    if (now) {
      looks.add(done);
    }
    return now;
  }

  boolean isNarrow(Optional<Interval> interval) {
    return interval.filter(ends -> ends.high() - ends.low() <= 2 * halfWidth).isPresent();
  }

  /** Numbers of windows after which the interval was looked at. */
  List<Integer> looks() {
    return List.copyOf(looks);
  }

  /** The first look after more than {@code done} windows. */
  private static int nextLook(int done) {
    long look = FIRST_LOOK;
    while (look <= done) {
      look *= 2;
    }
    return (int) Math.min(look, Integer.MAX_VALUE);
  }
}
