package dev.palimpsest.safetensors;

import java.util.Arrays;

/**
 * What a file says of one tensor.
 *
 * @param dtype its element type as stored
 * @param shape its sizes, outermost first; empty for a scalar
 */
@SuppressWarnings(
    "ArrayRecordComponent") // equality is defined below; the array is copied in and out
public record TensorInfo(DType dtype, long[] shape) {
  /** Copies the shape. */
  public TensorInfo {
    shape = shape.clone();
  }

  /** A copy of the sizes. */
  @Override
  public long[] shape() {
    return shape.clone();
  }

  /** The number of elements. */
  public long elements() {
    long product = 1;
    for (long size : shape) {
      product *= size;
    }
    return product;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TensorInfo that
        && dtype == that.dtype
        && Arrays.equals(shape, that.shape);
  }

  @Override
  public int hashCode() {
    return 31 * dtype.hashCode() + Arrays.hashCode(shape);
  }

  @Override
  public String toString() {
    return dtype + " " + Arrays.toString(shape);
  }
}
