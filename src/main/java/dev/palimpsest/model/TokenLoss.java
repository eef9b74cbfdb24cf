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

  /** The same where there is no such cache: enough to keep a GPU busy. */
  private static final long DEVICE_BLOCK_LOGITS = 1 << 27;

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
    long most = logits.is_cpu() ? BLOCK_LOGITS : DEVICE_BLOCK_LOGITS;
    int block = (int) Math.max(1, Math.min(length - 1, most / vocabulary));
    Tensor losses = Tensors.emptyLike(logits, batch.rows(), length - 1);
    try (PointerScope scope = new PointerScope()) {
      NoGradGuard noGradients = new NoGradGuard();
      Tensor targets = Tensors.beside(logits, targets(batch), batch.rows(), length - 1, 1);
      for (int row = 0; row < batch.rows(); row++) {
        Tensor rowLogits = logits.select(0, row);
        Tensor rowTargets = targets.select(0, row);
        Tensor rowLosses = losses.select(0, row);
        for (int from = 0; from < length - 1; from += block) {
          int count = Math.min(block, length - 1 - from);
          one(
              rowLogits.narrow(0, from, count),
              rowTargets.narrow(0, from, count),
              rowLosses.narrow(0, from, count));
        }
      }
      noGradients.close();
    } catch (RuntimeException failure) {
      losses.close();
      throw failure;
    }
    return losses;
  }

  /** The token after each position but the last, [rows, T - 1]. */
  private static long[] targets(TokenBatch batch) {
    int steps = batch.length() - 1;
    long[] targets = new long[batch.rows() * steps];
    for (int row = 0; row < batch.rows(); row++) {
      for (int t = 0; t < steps; t++) {
        targets[row * steps + t] = batch.id(row, t + 1);
      }
    }
    return targets;
  }

  private static void one(Tensor logits, Tensor target, Tensor losses) {
    try (PointerScope scope = new PointerScope()) {
      Tensor chosen = logits.gather(1, target).squeeze(1);
      losses.copy_(torch.logsumexp(logits, -1)).sub_(chosen);
    }
  }
}
