package dev.palimpsest.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Wilcoxon's test against enumeration (small) and the normal approximation by formula (large). */
class PairedTestTest {
  @Test
  void smallSamplesAgreeWithEnumerationOfAllSigns() {
    double[] a = {1.1, 2.3, 0.2, 5.0, 4.4, 3.9, 2.0, 1.0};
    double[] b = {1.0, 2.0, 0.7, 3.1, 4.8, 2.7, 1.4, 0.1};
    double[] ranks = ranks(a, b);
    double observed = positiveRankSum(a, b, ranks);
    double expectation = Arrays.stream(ranks).sum() / 2;
    int extreme = 0;
    for (int signs = 0; signs < 256; signs++) {
      double sum = 0;
      for (int i = 0; i < 8; i++) {
        sum += (signs >> i & 1) * ranks[i];
      }
      if (Math.abs(sum - expectation) >= Math.abs(observed - expectation) - 1e-9) {
        extreme++;
      }
    }
    assertThat(PairedTest.pValue(a, b)).hasValue(extreme / 256.0);
  }

  @Test
  void largeSamplesAgreeWithTheNormalApproximation() {
    long seed = 11;
    SplittableRandom random = new SplittableRandom(seed);
    int n = 400;
    double[] a = new double[n];
    double[] b = new double[n];
    for (int i = 0; i < n; i++) {
      b[i] = random.nextDouble();
      a[i] = b[i] + Math.pow(random.nextDouble() - 0.44, 3);
    }
    double[] ranks = ranks(a, b);
    double mean = n * (n + 1.0) / 4;
    double deviation = Math.sqrt(n * (n + 1.0) * (2 * n + 1) / 24);
    double z = (Math.abs(positiveRankSum(a, b, ranks) - mean) - 0.5) / deviation;
    assertThat(PairedTest.pValue(a, b).orElseThrow())
        .as("seed %d", seed)
        .isCloseTo(2 * upperTail(z), within(1e-6));
  }

  @Test
  void zeroDifferencesCarryNoInformation() {
    double[] a = {1, 2, 3, 4, 7, 7};
    double[] b = {0.5, 1, 1, 0, 7, 7};
    assertThat(PairedTest.pValue(a, b))
        .isEqualTo(PairedTest.pValue(new double[] {1, 2, 3, 4}, new double[] {0.5, 1, 1, 0}));
    assertThat(PairedTest.pValue(a, a)).hasValue(1);
  }

  @Test
  void nothingIsSaidOfNoWindowsOrOfInfiniteLosses() {
    assertThat(PairedTest.pValue(new double[0], new double[0])).isEmpty();
    assertThat(PairedTest.pValue(new double[] {1, Double.POSITIVE_INFINITY}, new double[2]))
        .isEmpty();
    assertThat(PairedTest.pValue(new double[] {1, Double.NaN}, new double[2])).isEmpty();
  }

  private static double[] ranks(double[] a, double[] b) {
    double[] ranks = new double[a.length];
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < a.length; j++) {
        ranks[i] += Math.abs(a[j] - b[j]) <= Math.abs(a[i] - b[i]) ? 1 : 0;
      }
    }
    return ranks;
  }

  private static double positiveRankSum(double[] a, double[] b, double[] ranks) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] > b[i] ? ranks[i] : 0;
    }
    return sum;
  }

  /** The standard normal's upper tail by Simpson's rule. */
  private static double upperTail(double z) {
    int n = 20000;
    double end = z + 12;
    double h = (end - z) / n;
    double sum = 0;
    for (int i = 0; i <= n; i++) {
      double x = z + i * h;
      sum += (i == 0 || i == n ? 1 : i % 2 == 1 ? 4 : 2) * Math.exp(-x * x / 2);
    }
    return sum * h / 3 / Math.sqrt(2 * Math.PI);
  }
}
