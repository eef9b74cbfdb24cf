package dev.palimpsest.model;

import dev.palimpsest.tensor.Tensors;
import java.util.Arrays;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Cross-entropy per token without a second tensor of the logits' size. */
final class TokenLoss {
  /** Rows are taken in blocks of about this many logits, so that temporaries stay in cache. */
  private static final long BLOCK_LOGITS = 1 << 20;

  private TokenLoss() {}

  /** See {@link LanguageModel#tokenLoss}. */
  static Tensor of(Tensor logits, TokenBatch batch) {
    long[] shape = logits.shape();
    if (shape.length != 3 || shape[0] != batch.rows() || shape[1] != batch.length()) {
      throw new IllegalArgumentException(
          "logits of shape " + Arrays.toString(shape) + " for " + batch);
    }
    int length = batch.length();
    if (length < 2) {
      throw new IllegalArgumentException("a next token needs sequences of at least 2 tokens");
    }
    long vocabulary = shape[2];
    int block = (int) Math.max(1, Math.min(length - 1, BLOCK_LOGITS / vocabulary));
    Tensor losses = Tensors.empty(torch.ScalarType.Float, batch.rows(), length - 1);
    long[] targets = new long[block];
    try (PointerScope scope = new PointerScope()) {
      NoGradGuard noGradients = new NoGradGuard();
      Tensor target = Tensors.of(new long[block], block, 1);
      for (int row = 0; row < batch.rows(); row++) {
        Tensor rowLogits = logits.select(0, row);
        Tensor rowLosses = losses.select(0, row);
        for (int from = 0; from < length - 1; from += block) {
          int count = Math.min(block, length - 1 - from);
          for (int i = 0; i < count; i++) {
            targets[i] = batch.id(row, from + i + 1);
          }
          target.data_ptr_long().put(targets, 0, count);
          one(
              rowLogits.narrow(0, from, count),
              target.narrow(0, 0, count),
              rowLosses.narrow(0, from, count));
        }
      }
      target.close();
      noGradients.close();
    } catch (RuntimeException failure) {
      losses.close();
      throw failure;
    }
    return losses;
  }

  private static void one(Tensor logits, Tensor target, Tensor losses) {
    try (PointerScope scope = new PointerScope()) {
      Tensor chosen = logits.gather(1, target).squeeze(1);
      losses.copy_(torch.logsumexp(logits, -1)).sub_(chosen);
    }
  }
}
