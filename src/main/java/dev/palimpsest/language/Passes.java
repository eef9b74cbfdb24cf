package dev.palimpsest.language;

import dev.palimpsest.model.Extension;
import dev.palimpsest.model.Forward;
import dev.palimpsest.model.HookPlan;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.tensor.Tensors;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/** Passes over new tokens, and logits at some of them. */
final class Passes {
  /** New tokens of a pass: enough that weights are read from memory for many at once. */
  static final int TOKENS = 480;

  private final LanguageModel model;
  private final String lastLayer;

  Passes(LanguageModel model) {
    this.model = model;
    lastLayer = model.layerHookpoint(model.config().layers() - 1);
  }

  /**
   * Runs new tokens of one sequence.
   *
   * @param from the first of them that logits are wanted at
   * @return logits [n][V] after each token from there on
   */
  float[][] logitsFrom(Extension extension, int from) {
    // The last layer's output is asked for in any case: its keys and values are wanted.
    HookPlan plan = new HookPlan().tapOutput(lastLayer).logits(false);
    int count = extension.tokens().length - from;
    try (PointerScope scope = new PointerScope();
        Forward forward = model.extend(List.of(extension), plan)) {
      if (count == 0) {
        return new float[0][];
      }
      try (Tensor logits =
          model.logits(forward.output(lastLayer).squeeze(0).narrow(0, from, count))) {
        return rows(logits, count);
      }
    }
  }

  /**
   * Runs new tokens of several sequences.
   *
   * @param wanted after the last tokens of which extensions, in order, logits are wanted
   * @return logits [wanted][V]
   */
  float[][] logitsAfter(List<Extension> extensions, int[] wanted) {
    // One is made in any case, which costs little: keys and values are what is wanted.
    try (Tensor logits =
        model.extendForLogits(extensions, wanted.length == 0 ? new int[] {0} : wanted)) {
      return wanted.length == 0 ? new float[0][] : rows(logits, wanted.length);
    }
  }

  private static float[][] rows(Tensor logits, int count) {
    float[] all = Tensors.toArray(logits);
    int size = all.length / count;
    float[][] result = new float[count][];
    for (int i = 0; i < count; i++) {
      result[i] = Arrays.copyOfRange(all, i * size, (i + 1) * size);
    }
    return result;
  }

  /** log Σ exp of logits, in double precision. */
  static double logSumExp(float[] logits) {
    double most = logits[Sampler.likeliest(logits)];
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - most);
    }
    return most + Math.log(sum);
  }
}
