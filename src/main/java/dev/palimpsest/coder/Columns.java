package dev.palimpsest.coder;

import dev.palimpsest.kernels.Addresses;
import dev.palimpsest.kernels.Memory;
import java.util.Arrays;
import org.bytedeco.javacpp.FloatPointer;

/** Means of a matrix's columns, in double precision and the order of the rows. */
public final class Columns {
  /** Elements that pass through the heap at a time. */
  private static final int BLOCK = 1 << 14;

  private Columns() {}

  /**
   * The mean of every column.
   *
   * @param where the memory of the matrix
   * @param matrix [rows, mean.length]
   * @param rows at least 1
   * @param mean overwritten
   */
  public static void means(Memory where, FloatPointer matrix, long rows, double[] mean) {
    int width = mean.length;
    int blockRows = (int) Math.min(rows, Math.max(1, BLOCK / width));
    float[] block = new float[blockRows * width];
    Arrays.fill(mean, 0);
    for (long start = 0; start < rows; start += blockRows) {
      int count = (int) Math.min(blockRows, rows - start);
      where.get(Addresses.from(matrix, start * width), block, count * width);
      for (int row = 0; row < count; row++) {
        for (int i = 0; i < width; i++) {
          mean[i] += block[row * width + i];
        }
      }
    }
    for (int i = 0; i < width; i++) {
      mean[i] /= rows;
    }
  }
}
