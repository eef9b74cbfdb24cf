package dev.palimpsest.model;

import dev.palimpsest.tensor.Tensors;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What a forward pass was asked to keep. All tensors are contiguous float32 on the model's device,
 * belong to this object and are freed with it.
 */
public final class Forward implements AutoCloseable {
  private final Map<String, Tensor> inputs = new HashMap<>();
  private final Map<String, Tensor> outputs = new HashMap<>();
  private final List<Tensor> owned = new ArrayList<>();
  private @Nullable Tensor logits;

  Forward() {}

  /**
   * The next-token logits, [rows, T, V].
   *
   * @throws IllegalStateException when the plan did not ask for them
   */
  public Tensor logits() {
    if (logits == null) {
      throw new IllegalStateException("the plan did not ask for logits");
    }
    return logits;
  }

  /**
   * A module's input, [rows, T, d].
   *
   * @param hookpoint as named in the plan
   */
  public Tensor input(String hookpoint) {
    return get(inputs, hookpoint, "input");
  }

  /**
   * A module's output, [rows, T, d], after a splice if there is one.
   *
   * @param hookpoint as named in the plan
   */
  public Tensor output(String hookpoint) {
    return get(outputs, hookpoint, "output");
  }

  @Override
  public void close() {
    owned.forEach(Tensor::close);
    owned.clear();
    inputs.clear();
    outputs.clear();
    logits = null;
  }

  void keepLogits(Tensor tensor) {
    logits = own(tensor);
  }

  void keepInput(Iterable<String> names, Tensor tensor) {
    Tensor kept = own(tensor);
    names.forEach(name -> inputs.put(name, kept));
  }

  void keepOutput(Iterable<String> names, Tensor tensor) {
    Tensor kept = own(tensor);
    names.forEach(name -> outputs.put(name, kept));
  }

  /** A handle of this object's own on the same memory, or on a contiguous copy. */
  private Tensor own(Tensor tensor) {
    Tensor kept = Tensors.keep(tensor.contiguous());
    owned.add(kept);
    return kept;
  }

  private static Tensor get(Map<String, Tensor> from, String hookpoint, String what) {
    return Optional.ofNullable(from.get(hookpoint))
        .orElseThrow(
            () ->
                new IllegalStateException("the plan did not tap the " + what + " of " + hookpoint));
  }
}
