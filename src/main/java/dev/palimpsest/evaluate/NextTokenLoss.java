package dev.palimpsest.evaluate;

import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.TokenBatch;
import dev.palimpsest.tensor.Tensors;
import dev.palimpsest.text.ExcludedTokens;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Sums of next-token cross-entropy and of KL divergence to the clean model over the counted
 * positions: those whose own token is not excluded (and so may be spliced) and that have a next
 * token in the window.
 */
final class NextTokenLoss {
  private final ExcludedTokens excluded;
  private double crossEntropy;
  private double divergence;
  private long count;

  NextTokenLoss(ExcludedTokens excluded) {
    this.excluded = excluded;
  }

  /**
   * Adds a batch.
   *
   * @param logits [rows, T, V]
   */
  void add(Tensor logits, TokenBatch batch) {
    float[] losses;
    try (PointerScope scope = new PointerScope();
        Tensor loss = LanguageModel.tokenLoss(logits, batch)) {
      losses = Tensors.toArray(loss);
    }
    int steps = batch.length() - 1;
    for (int row = 0; row < batch.rows(); row++) {
      for (int t = 0; t < steps; t++) {
        if (!excluded.contains(batch.id(row, t))) {
          crossEntropy += losses[row * steps + t];
          count++;
        }
      }
    }
  }

  /**
   * Adds KL(clean ‖ changed) = sum_v p_clean (log p_clean − log p_changed) of a batch; both [rows,
   * T, V].
   */
  void addDivergence(Tensor clean, Tensor changed, TokenBatch batch) {
    int steps = batch.length() - 1;
    for (int row = 0; row < batch.rows(); row++) {
      float[] divergences;
      try (PointerScope scope = new PointerScope()) {
        Tensor p = torch.log_softmax(clean.select(0, row).narrow(0, 0, steps), -1);
        Tensor q = torch.log_softmax(changed.select(0, row).narrow(0, 0, steps), -1);
        divergences = Tensors.toArray(p.sub(q).mul(p.exp()).sum(1));
      }
      for (int t = 0; t < steps; t++) {
        if (!excluded.contains(batch.id(row, t))) {
          divergence += divergences[t];
        }
      }
    }
  }

  /** Nats per counted token. */
  double crossEntropy() {
    return crossEntropy / count;
  }

  /** Nats per counted token. */
  double divergence() {
    return divergence / count;
  }

  long count() {
    return count;
  }
}
