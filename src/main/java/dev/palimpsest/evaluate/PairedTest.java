package dev.palimpsest.evaluate;

import java.util.Arrays;
import java.util.OptionalDouble;
import org.apache.commons.statistics.inference.PValueMethod;
import org.apache.commons.statistics.inference.WilcoxonSignedRankTest;

/**
 * The paired test of the loss table: Wilcoxon's signed-rank test, two-sided, zero differences
 * dropped.
 */
final class PairedTest {
  /**
   * Up to so many untied differences the exact distribution is used, beyond it the normal
   * approximation.
   */
  private static final int EXACT_LIMIT = 50;

  private PairedTest() {}

  /**
   * @param a losses by document: sums over its counted tokens
   * @param b losses of the same documents
   * @return the p-value of "a and b differ by chance only"; 1 where they are equal throughout;
   *     empty without documents or with a difference that is not finite
   */
  static OptionalDouble pValue(double[] a, double[] b) {
    double[] differences = new double[a.length];
    for (int d = 0; d < a.length; d++) {
      differences[d] = a[d] - b[d];
    }
    if (a.length == 0 || !Arrays.stream(differences).allMatch(Double::isFinite)) {
      return OptionalDouble.empty();
    }
    double[] nonZero = Arrays.stream(differences).filter(d -> d != 0).toArray();
    if (nonZero.length == 0) {
      return OptionalDouble.of(1);
    }
    PValueMethod method =
        nonZero.length <= EXACT_LIMIT ? PValueMethod.AUTO : PValueMethod.ASYMPTOTIC;
    return OptionalDouble.of(
        WilcoxonSignedRankTest.withDefaults().with(method).test(nonZero).getPValue());
  }
}
