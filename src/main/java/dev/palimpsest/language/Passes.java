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
   * Runs new tokens.
   *
   * @param wanted which of the new tokens, of all extensions one after the other, logits are wanted
   *     at
   * @return logits [wanted][V]
   */
  float[][] logits(List<Extension> extensions, int[] wanted) {
    // The last layer's output is asked for in any case: its keys and values are wanted.
    HookPlan plan = new HookPlan().tapOutput(lastLayer).logits(false);
    try (PointerScope scope = new PointerScope();
        Forward forward = model.extend(extensions, plan)) {
      if (wanted.length == 0) {
        return new float[0][];
      }
      long[] rows = Arrays.stream(wanted).asLongStream().toArray();
      try (Tensor index = model.device().of(rows, rows.length);
          Tensor logits =
              model.logits(forward.output(lastLayer).squeeze(0).index_select(0, index))) {
        float[] all = Tensors.toArray(logits);
        int size = all.length / wanted.length;
        float[][] result = new float[wanted.length][];
        for (int i = 0; i < wanted.length; i++) {
          result[i] = Arrays.copyOfRange(all, i * size, (i + 1) * size);
        }
        return result;
      }
    }
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
