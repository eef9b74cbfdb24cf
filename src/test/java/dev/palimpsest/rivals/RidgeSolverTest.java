package dev.palimpsest.rivals;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;

class RidgeSolverTest {
  @Test
  void solvesTheNormalEquations() {
    int n = 300;
    int columns = 3;
    Random random = new Random(2);
    // Of rank n - 20: only the penalty makes it solvable.
    float[][] rows = new float[n - 20][n];
    for (float[] row : rows) {
      for (int i = 0; i < n; i++) {
        row[i] = (float) random.nextGaussian();
      }
    }
    float[] gram = new float[n * n];
    double mean = 0;
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        double sum = 0;
        for (float[] row : rows) {
          sum += (double) row[i] * row[j];
        }
        gram[i * n + j] = (float) sum;
      }
      mean += (double) gram[i * n + i] / n;
    }
    float[] right = new float[n * columns];
    for (int i = 0; i < right.length; i++) {
      right[i] = (float) random.nextGaussian();
    }
    float[] found = new RidgeSolver(gram, n, .01).solve(right, columns);
    for (int i = 0; i < n; i++) {
      for (int c = 0; c < columns; c++) {
        double sum = .01 * mean * found[i * columns + c];
        for (int j = 0; j < n; j++) {
          sum += (double) gram[i * n + j] * found[j * columns + c];
        }
        assertThat(sum).isCloseTo(right[i * columns + c], within(1e-4));
      }
    }
    assertThat(new RidgeSolver(new float[4], 2, .1).solve(new float[2], 1)).containsExactly(0, 0);
  }
}
