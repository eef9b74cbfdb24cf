package dev.palimpsest.coder;

import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.kernels.NativeArrays;
import dev.palimpsest.kernels.Workspace;
import dev.palimpsest.tensor.Device;
import java.util.Optional;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;

/**
 * The FVU of rows that arrive in parts: sum |y - y_hat|^2 / sum |y - mean(y)|^2 with the mean over
 * all rows. The parts' sums of squares are joined by the means' distance (Chan, Golub & LeVeque
 * 1979), so nothing is lost to cancellation.
 */
public final class StreamingFvu implements AutoCloseable {
  private final CoderKernels kernels;
  private final NativeArrays memory;
  private final DoublePointer sums;
  private final double[] read = new double[2];
  private final Workspace workspace;
  private final double[] mean;
  private final double[] partMean;
  private long rows;
  private double squaredError;
  private double squaredDeviation;

  /**
   * @param width d
   * @param device where the rows are
   */
  public StreamingFvu(int width, Device device) {
    kernels = device.kernels();
    memory = new NativeArrays(device.memory());
    sums = memory.doubles(2);
    workspace = new Workspace(device.memory());
    mean = new double[width];
    partMean = new double[width];
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
    kernels.fvu(prediction, target, count, mean.length, Optional.empty(), sums, workspace);
    kernels.memory().get(sums, read, 2);
    squaredError += read[0];
    squaredDeviation += read[1];
    Columns.means(kernels.memory(), target, count, partMean);
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

  @Override
  public void close() {
    workspace.close();
    memory.close();
  }
}
