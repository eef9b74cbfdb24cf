package dev.palimpsest.tensor;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/** Making libtorch tensors without leaving small native objects behind. */
public final class Tensors {
  private Tensors() {}

  /** An uninitialised CPU tensor that the caller owns. */
  public static Tensor empty(torch.ScalarType type, long... shape) {
    try (PointerScope scope = new PointerScope()) {
      Tensor tensor =
          torch.empty(
              shape, new TensorOptions(type), new org.bytedeco.pytorch.MemoryFormatOptional());
      return keep(tensor);
    }
  }

  /** A copy of {@code values} as a float32 CPU tensor that the caller owns. */
  public static Tensor of(float[] values, long... shape) {
    Tensor tensor = empty(torch.ScalarType.Float, shape);
    checkLength(tensor, values.length);
    if (values.length > 0) {
      tensor.data_ptr_float().put(values, 0, values.length);
    }
    return tensor;
  }

  /** A copy of {@code values} as an int64 CPU tensor that the caller owns. */
  public static Tensor of(long[] values, long... shape) {
    Tensor tensor = empty(torch.ScalarType.Long, shape);
    checkLength(tensor, values.length);
    if (values.length > 0) {
      tensor.data_ptr_long().put(values, 0, values.length);
    }
    return tensor;
  }

  /** A copy of {@code values} as an int64 tensor beside another; belongs to the open scope. */
  public static Tensor beside(Tensor reference, long[] values, long... shape) {
    try (Tensor host = of(values, shape)) {
      return host.to(reference.device(), torch.ScalarType.Long);
    }
  }

  /** An uninitialised float32 tensor on the device of another, which the caller owns. */
  public static Tensor emptyLike(Tensor reference, long... shape) {
    try (PointerScope scope = new PointerScope()) {
      return keep(
          torch.empty(shape, reference.options(), new org.bytedeco.pytorch.MemoryFormatOptional()));
    }
  }

  /** A heap copy of a real tensor's elements, row-major; waits for the tensor's device. */
  public static float[] toArray(Tensor tensor) {
    try (PointerScope scope = new PointerScope()) {
      Tensor dense = floats(tensor.is_cpu() ? tensor : tensor.cpu()).contiguous();
      float[] values = new float[Math.toIntExact(dense.numel())];
      if (values.length > 0) {
        dense.data_ptr_float().get(values, 0, values.length);
      }
      return values;
    }
  }

  /** The tensor itself where it is of float32, else its copy as such; belongs to the open scope. */
  public static Tensor floats(Tensor tensor) {
    return tensor.scalar_type().intern() == torch.ScalarType.Float
        ? tensor
        : tensor.to(torch.ScalarType.Float);
  }

  /** Where the elements of a contiguous tensor of the host lie; a view. */
  public static Pointer memory(Tensor host) {
    return host.data_ptr();
  }

  /** Whether a tensor holds 16-bit numbers that are the upper half of a float32. */
  public static boolean isBfloat16(Tensor tensor) {
    return tensor.scalar_type().intern() == torch.ScalarType.BFloat16;
  }

  /**
   * Keeps a tensor made inside the innermost {@link PointerScope} alive after it; the caller then
   * owns it.
   */
  public static Tensor keep(Tensor tensor) {
    tensor.retainReference();
    return tensor;
  }

  /** Gives a tensor of the caller's to the innermost {@link PointerScope}, which will free it. */
  public static Tensor lend(Tensor owned) {
    PointerScope.getInnerScope().attach(owned);
    owned.releaseReference();
    return owned;
  }

  /** Sets how many threads libtorch's operations use, for the whole process. */
  public static void useThreads(int threads) {
    BlasThreads.use(threads);
  }

  private static void checkLength(Tensor tensor, int length) {
    if (tensor.numel() != length) {
      long expected = tensor.numel();
      tensor.close();
      throw new IllegalArgumentException(length + " values for a tensor of " + expected);
    }
  }
}
