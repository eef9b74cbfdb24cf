package dev.palimpsest.lexical;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;

class PriceSearchTest {
  private static final double WANTED = 300;

  /** Mean lengths as they are in practice: about a power of the price, up to a longest text. */
  private static double length(double price) {
    return Math.min(580, 12 + 40 * Math.pow(price, -0.6));
  }

  @Test
  void findsThePriceInAFewTrials() {
    AtomicInteger trials = new AtomicInteger();
    double price =
        new PriceSearch(WANTED, 1e4, 1e-9)
            .find(
                PriceSearchTest::length,
                at -> {
                  trials.incrementAndGet();
                  return length(at);
                });
    assertThat(length(price)).isBetween(0.99 * WANTED, 1.01 * WANTED);
    assertThat(trials).hasValueLessThanOrEqualTo(4);
  }

  @Test
  void aRoughViewThatMisleadsIsMended() {
    for (double factor : new double[] {0.2, 5}) {
      double price =
          new PriceSearch(WANTED, 1e4, 1e-9)
              .find(at -> factor * length(at), PriceSearchTest::length);
      assertThat(length(price)).isBetween(0.99 * WANTED, 1.01 * WANTED);
    }
  }

  @Test
  void whereLengthsJumpTextsAreRatherShort() {
    DoubleUnaryOperator jumps = price -> price < 0.7 ? 400 : 200;
    double price = new PriceSearch(WANTED, 1e4, 1e-9).find(jumps, jumps);
    assertThat(price).isBetween(0.7, 0.75);
  }

  @Test
  void whereAllTextsAreShortThePriceIsLow() {
    double price = new PriceSearch(WANTED, 1e4, 1e-3).find(at -> 50, at -> 50);
    assertThat(price).isLessThanOrEqualTo(1e-3);
  }
}
