package dev.palimpsest.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class TimingsTest {
  @Test
  void theSecondOfTwoRunsCounts() {
    AtomicInteger runs = new AtomicInteger();
    double milliseconds = Timings.timeAgain(() -> sleep(runs.getAndIncrement() == 0 ? 2000 : 20));
    assertThat(runs).hasValue(2);
    assertThat(milliseconds).isLessThan(2000);
  }

  @Test
  void percentilesLieBetweenTheRuns() {
    Timings timings = Timings.of(new double[] {5, 1, 3, 2, 4});
    assertThat(timings).isEqualTo(new Timings(3, 1.4, 4.6, 1));
    assertThat(Timings.medianRatio(new double[] {2, 9, 4}, new double[] {1, 3, 4})).isEqualTo(2);
  }

  private static void sleep(long milliseconds) {
    try {
      TimeUnit.MILLISECONDS.sleep(milliseconds);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
