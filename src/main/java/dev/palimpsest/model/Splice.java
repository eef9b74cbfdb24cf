package dev.palimpsest.model;

import org.bytedeco.pytorch.Tensor;

/** A stand-in for a module's output. */
@FunctionalInterface
public interface Splice {
  /**
   * Computes what takes the output's place. Runs inside a {@link org.bytedeco.javacpp.PointerScope}
   * of the forward pass: tensors made here are freed by it, and neither argument may be changed,
   * closed or kept.
   *
   * @param input the module's input, [rows, T, d]
   * @param output the module's own output, [rows, T, d]
   * @return a float32 tensor [rows, T, d] of the same device; {@code output} itself is allowed
   */
  Tensor replace(Tensor input, Tensor output);
}
