package dev.palimpsest.rivals;

/** Ridge regression from its normal equations, by Cholesky decomposition in double precision. */
final class RidgeSolver {
  private final int size;
  private final double[][] lower;

  /**
   * Decomposes the Gram matrix with a penalty on its diagonal.
   *
   * @param gram [n × n] symmetric, positive semi-definite up to rounding
   * @param penalty above 0, in units of the mean of the diagonal
   */
  RidgeSolver(float[] gram, int n, double penalty) {
    size = n;
    double mean = 0;
    for (int i = 0; i < n; i++) {
      mean += (double) gram[i * n + i] / n;
    }
    // Nothing but zeros (an empty text) has the solution 0.
    double added = mean > 0 ? penalty * mean : 1;
    lower = new double[n][];
    for (int i = 0; i < n; i++) {
      double[] row = new double[i + 1];
      for (int j = 0; j <= i; j++) {
        double[] other = j == i ? row : lower[j];
        double rest = gram[i * n + j] + (i == j ? added : 0);
        for (int k = 0; k < j; k++) {
          rest -= row[k] * other[k];
        }
        // Rounding may leave a pivot below the penalty, which none can be.
        row[j] = i == j ? Math.sqrt(Math.max(rest, added / 2)) : rest / other[j];
      }
      lower[i] = row;
    }
  }

  /**
   * @param right [n × columns]
   * @return the solution [n × columns]
   */
  float[] solve(float[] right, int columns) {
    double[][] solution = new double[size][columns];
    for (int i = 0; i < size; i++) {
      for (int c = 0; c < columns; c++) {
        solution[i][c] = right[i * columns + c];
      }
      for (int k = 0; k < i; k++) {
        subtract(solution[i], lower[i][k], solution[k]);
      }
      divide(solution[i], lower[i][i]);
    }
    for (int i = size - 1; i >= 0; i--) {
      divide(solution[i], lower[i][i]);
      for (int k = 0; k < i; k++) {
        subtract(solution[k], lower[i][k], solution[i]);
      }
    }
    float[] values = new float[size * columns];
    for (int i = 0; i < size; i++) {
      for (int c = 0; c < columns; c++) {
        values[i * columns + c] = (float) solution[i][c];
      }
    }
    return values;
  }

  private static void subtract(double[] from, double factor, double[] row) {
    for (int c = 0; c < from.length; c++) {
      from[c] -= factor * row[c];
    }
  }

  private static void divide(double[] row, double by) {
    for (int c = 0; c < row.length; c++) {
      row[c] /= by;
    }
  }
}
