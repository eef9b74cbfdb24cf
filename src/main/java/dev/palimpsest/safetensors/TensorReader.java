package dev.palimpsest.safetensors;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Quoted;
import java.util.Map;
import java.util.Set;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.ShortPointer;
import org.bytedeco.pytorch.Tensor;

/**
 * Named tensors on disk: one safetensors file, or a checkpoint of several. Every method that takes
 * a name throws {@link PalimpsestException} naming file and tensor when there is none of that name
 * or it cannot be converted.
 */
public interface TensorReader extends AutoCloseable {
  /** All names, sorted. */
  Set<String> names();

  /** Dtype and shape. */
  TensorInfo info(String name);

  /** The elements of a real tensor (f16, bf16, f32, f64), row-major, as float32. */
  float[] floats(String name);

  /** The elements of a tensor of whole numbers, row-major; u64 keeps its bits. */
  long[] longs(String name);

  /**
   * Reads a real tensor into native memory of the caller's, row-major, as float32. For weights: a
   * value that is not finite (as float32) is a fault like a wrong shape.
   *
   * @param into room for all elements, from its position on
   */
  void readFloats(String name, FloatPointer into);

  /**
   * {@link #readFloats} with every number rounded to its upper 16 bits (bf16), to nearest, ties to
   * even; what is stored so is copied.
   */
  void readBfloat16(String name, ShortPointer into);

  /** A new CPU tensor that the caller owns: float32 for real dtypes, int64 for whole numbers. */
  Tensor torch(String name);

  /** The free-form text pairs of the file. */
  Map<String, String> metadata();

  /** What to call the place of a tensor in an error message: the file. */
  String describe(String name);

  /** Whether there is a tensor of that name. */
  default boolean contains(String name) {
    return names().contains(name);
  }

  /**
   * Checks a shape.
   *
   * @throws PalimpsestException naming file, tensor, the shape found and the one expected
   */
  default void expectShape(String name, long... expected) {
    long[] found = info(name).shape();
    if (!java.util.Arrays.equals(found, expected)) {
      throw new PalimpsestException(
          describe(name)
              + ": tensor '"
              + Quoted.of(name)
              + "' has shape "
              + Quoted.of(java.util.Arrays.toString(found))
              + ", expected "
              + java.util.Arrays.toString(expected));
    }
  }

  @Override
  void close();
}
