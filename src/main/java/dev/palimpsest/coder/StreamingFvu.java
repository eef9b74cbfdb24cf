package dev.palimpsest.coder;

import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.kernels.Workspace;
import java.util.Arrays;
import java.util.Optional;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;

/**
 * The FVU of rows that arrive in parts: sum |y - y_hat|^2 / sum |y - mean(y)|^2 with the mean over
 * all rows. The parts' sums of squares are joined by the means' distance (Chan, Golub & LeVeque
 * 1979), so nothing is lost to cancellation.
 */
public final class StreamingFvu implements AutoCloseable {
  private final CoderKernels kernels = CoderKernels.cpu();
  private final NativeArrays memory = new NativeArrays();
  private final DoublePointer sums = memory.doubles(2);
  private final Workspace workspace = new Workspace(kernels.memory());
  private final double[] mean;
  private final double[] partMean;
  private final float[] row;
  private long rows;
  private double squaredError;
  private double squaredDeviation;

  /**
   * @param width d
   */
  public StreamingFvu(int width) {
    mean = new double[width];
    partMean = new double[width];
    row = new float[width];
  }

  /**
   * Takes in some rows.
   *
   * @param prediction y_hat [count, d]
   * @param target y [count, d]
   */
  public void add(FloatPointer prediction, FloatPointer target, long count) {
    if (count == 0) {
      return;
    }
    kernels.fvu(prediction, target, count, row.length, Optional.empty(), sums, workspace);
    squaredError += sums.get(0);
    squaredDeviation += sums.get(1);
    columnMeans(target, count);
    double share = count / (double) (rows + count);
    for (int i = 0; i < mean.length; i++) {
      double distance = partMean[i] - mean[i];
      squaredDeviation += distance * distance * rows * share;
      mean[i] += distance * share;
    }
    rows += count;
  }

  /** FVU of all rows so far; NaN for none, NaN or infinite where the target does not vary. */
  public double value() {
    return squaredError / squaredDeviation;
  }

  /** Rows taken in. */
  public long rows() {
    return rows;
  }

  private void columnMeans(FloatPointer matrix, long count) {
    Arrays.fill(partMean, 0);
    FloatPointer cursor = new FloatPointer(matrix);
    long start = matrix.position();
    for (long r = 0; r < count; r++) {
      cursor.position(start + r * row.length).get(row);
      for (int i = 0; i < row.length; i++) {
        partMean[i] += row[i];
      }
    }
    for (int i = 0; i < partMean.length; i++) {
      partMean[i] /= count;
    }
  }

  @Override
  public void close() {
    workspace.close();
    memory.close();
  }
}
