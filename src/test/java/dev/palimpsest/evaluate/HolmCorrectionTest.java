package dev.palimpsest.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;

/** Holm's correction on worked examples. */
class HolmCorrectionTest {
  private static double[] adjust(double... p) {
    return HolmCorrection.adjust(DoubleStream.of(p).mapToObj(OptionalDouble::of).toList()).stream()
        .mapToDouble(OptionalDouble::orElseThrow)
        .toArray();
  }

  @Test
  void worksDownFromTheSmallest() {
    // Holm (1979): 4 x 0.005, 3 x 0.01, then 2 x 0.03 = 0.06, and 0.04 not below the one before it.
    assertThat(adjust(0.01, 0.04, 0.03, 0.005))
        .containsExactly(new double[] {.03, .06, .06, .02}, within(1e-12));
  }

  @Test
  void isAtMostOneAndLeavesASingleTestAlone() {
    assertThat(adjust(0.7, 0.8, 0.9)).containsExactly(1, 1, 1);
    assertThat(adjust(0.04)).containsExactly(0.04);
    assertThat(HolmCorrection.adjust(List.of())).isEmpty();
  }

  @Test
  void whatWasNotTestedDoesNotCount() {
    assertThat(
            HolmCorrection.adjust(
                List.of(OptionalDouble.of(0.02), OptionalDouble.empty(), OptionalDouble.of(0.5))))
        .containsExactly(OptionalDouble.of(0.04), OptionalDouble.empty(), OptionalDouble.of(0.5));
  }
}
