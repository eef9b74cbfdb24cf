package dev.palimpsest.evaluate;

import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.kernels.Memory;
import org.bytedeco.javacpp.FloatPointer;

/**
 * How well a coder reconstructs, over any number of batches: FVU = sum |y − y_hat|² / sum |y −
 * mean(y)|² with the mean over all rows seen, and how often each latent fired. Sums in double
 * precision, in the order of the rows; the squares around the running mean (Welford, Technometrics
 * 4, 1962), as the difference of two large sums would cancel where targets hardly vary.
 */
public final class ReconstructionStatistics {
  private final Memory where;
  private final int width;
  private final double[] means;
  private double total;
  private final long[] fired;
  private double residual;
  private long rows;
  private long firings;
  private float[] targets = new float[0];
  private float[] outputs = new float[0];

  /**
   * @param where the memory of the batches
   */
  ReconstructionStatistics(Memory where, int width, int latents) {
    this.where = where;
    this.width = width;
    this.means = new double[width];
    this.fired = new long[latents];
  }

  /**
   * Adds a batch.
   *
   * @param y targets [count, width]
   * @param reconstruction y_hat [count, width]
   * @param latents the batch's latents
   */
  void add(FloatPointer y, FloatPointer reconstruction, SparseActivations latents, int count) {
    int size = count * width;
    if (targets.length < size) {
      targets = new float[size];
      outputs = new float[size];
    }
    where.get(y, targets, size);
    where.get(reconstruction, outputs, size);
    for (int row = 0; row < count; row++) {
      double share = 1.0 / (rows + row + 1);
      double sum = 0;
      double around = 0;
      for (int column = 0; column < width; column++) {
        double target = targets[row * width + column];
        double difference = target - outputs[row * width + column];
        sum += difference * difference;
        double before = target - means[column];
        means[column] += before * share;
        around += before * (target - means[column]);
      }
      residual += sum;
      total += around;
    }
    rows += count;
    countFirings(latents, count);
  }

  private void countFirings(SparseActivations latents, int count) {
    float[] values = latents.valuesArray(count);
    int[] indices = latents.indicesArray(count);
    for (int i = 0; i < values.length; i++) {
      if (values[i] > 0) {
        fired[indices[i]]++;
        firings++;
      }
    }
  }

  long rows() {
    return rows;
  }

  public double fvu() {
    return residual / total;
  }

  /** Latents above 0 per row. */
  public double l0() {
    return (double) firings / rows;
  }

  /** Share of the latents that fired at least once. */
  public double fracAlive() {
    int alive = 0;
    for (long count : fired) {
      alive += count > 0 ? 1 : 0;
    }
    return (double) alive / fired.length;
  }

  /** Of each latent, the share of rows at which it fired. */
  double[] densities() {
    double[] densities = new double[fired.length];
    for (int i = 0; i < fired.length; i++) {
      densities[i] = (double) fired[i] / rows;
    }
    return densities;
  }
}
