package dev.palimpsest.model;

import dev.palimpsest.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;

/**
 * The tokens that a direction of the residual stream promotes and demotes: the unembedding times
 * the direction (Geva et al. 2022, "Transformer Feed-Forward Layers Build Predictions by Promoting
 * Concepts in the Vocabulary Space", section 3). The mean over the vocabulary, which no softmax
 * sees, is taken off; the final norm is left out, as there.
 *
 * @param promoted tokens whose logits rise most, strongest first
 * @param demoted tokens whose logits fall most, strongest first
 */
public record TokenEffects(List<Effect> promoted, List<Effect> demoted) {
  /** Copies the lists. */
  public TokenEffects {
    promoted = List.copyOf(promoted);
    demoted = List.copyOf(demoted);
  }

  /**
   * @param token id
   * @param logit change of its logit per unit along the direction, relative to the mean token
   */
  public record Effect(int token, float logit) {}

  /**
   * @param direction [d], e.g. a decoder row of a sparse coder that writes into the residual stream
   * @param count tokens at either end
   * @throws IllegalArgumentException if the direction is not as wide as the model
   */
  public static TokenEffects of(LanguageModel model, float[] direction, int count) {
    if (direction.length != model.config().width()) {
      throw new IllegalArgumentException(
          "a direction of "
              + direction.length
              + " numbers in a model of width "
              + model.config().width());
    }
    float[] logits = logits(model, direction);
    double mean = 0;
    for (float logit : logits) {
      mean += logit;
    }
    mean /= logits.length;
    List<Integer> order = new ArrayList<>(logits.length);
    for (int token = 0; token < logits.length; token++) {
      order.add(token);
    }
    order.sort((a, b) -> Float.compare(logits[b], logits[a]));
    int size = Math.min(count, logits.length);
    List<Effect> promoted = new ArrayList<>(size);
    List<Effect> demoted = new ArrayList<>(size);
    for (int i = 0; i < size; i++) {
      int up = order.get(i);
      int down = order.get(logits.length - 1 - i);
      promoted.add(new Effect(up, (float) (logits[up] - mean)));
      demoted.add(new Effect(down, (float) (logits[down] - mean)));
    }
    return new TokenEffects(promoted, demoted);
  }

  private static float[] logits(LanguageModel model, float[] direction) {
    try (PointerScope scope = new PointerScope()) {
      NoGradGuard noGradients = new NoGradGuard();
      Tensor column = model.device().of(direction, direction.length);
      float[] logits = Tensors.toArray(Tensors.floats(model.unembedding()).mv(column));
      noGradients.close();
      return logits;
    }
  }
}
