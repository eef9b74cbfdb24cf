package dev.palimpsest.evaluate;

import dev.palimpsest.kernels.DenseLayer;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.tensor.Precision;
import dev.palimpsest.tensor.Tensors;
import java.util.Arrays;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Predictions of a head that is one product, logits = W h, on the CPU: no variant's logits are ever
 * held. The losses need three numbers a row: L = log Σ_v exp(logit_v), the target's logit w_t · h,
 * and the mean logit under the untouched model's probabilities p, which is one dot product too, Σ_v
 * p_v logit_v = e · h with e = Σ_v p_v w_v:
 *
 * <pre>  CE = L - w_t · h        KL = Σ_v p_v log p_v - (e · h - L)</pre>
 *
 * <p>So a variant costs the head's product alone, whose results are summed up tile by tile while
 * they are in the processor's cache, and no probabilities are held.
 */
final class FusedPredictions extends CleanPredictions {
  /** Logits of the untouched model held at a time. */
  private static final long BLOCK = 1L << 22;

  private final LanguageModel model;
  private final DenseLayer head;
  private final Clean clean;

  /** Of the untouched model: w_t and e [n, d], Σ_v p_v log p_v and the cross-entropy [n]. */
  @SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
  private record Clean(Tensor targets, Tensor means, float[] negativeEntropy, float[] losses) {}

  private FusedPredictions(LanguageModel model, DenseLayer head, Clean clean) {
    super(clean.losses());
    this.model = model;
    this.head = head;
    this.clean = clean;
  }

  /**
   * @param head makes the model's logits
   * @param last what the last block puts out [n, d]; not kept
   * @param targets [n]
   */
  static FusedPredictions of(LanguageModel model, DenseLayer head, Tensor last, long[] targets) {
    try (PointerScope scope = new PointerScope()) {
      Tensor normed = normed(model, last);
      float[] sums = logSumExp(model, head, normed);
      Tensor index = model.device().of(targets, targets.length);
      Tensor rows = Tensors.keep(Tensors.floats(model.unembedding().index_select(0, index)));
      index.close();
      Tensor means = Tensors.keep(means(model, normed, sums));
      return new FusedPredictions(
          model,
          head,
          new Clean(
              rows,
              means,
              difference(dots(normed, means), sums),
              difference(sums, dots(normed, rows))));
    }
  }

  /** L of every row; no logits are held. */
  private static float[] logSumExp(LanguageModel model, DenseLayer head, Tensor normed) {
    return head.logSumExp(model.device().data(normed), normed.size(0));
  }

  /** e, block by block. */
  private static Tensor means(LanguageModel model, Tensor normed, float[] sums) {
    Tensor weight = Tensors.floats(model.unembedding());
    long rows = normed.size(0);
    long block = Math.max(1, BLOCK / weight.size(0));
    Tensor means = Tensors.lend(model.device().empty(torch.ScalarType.Float, normed.shape()));
    for (long from = 0; from < rows; from += block) {
      long count = Math.min(block, rows - from);
      float[] here = Arrays.copyOfRange(sums, (int) from, (int) (from + count));
      try (PointerScope scope = new PointerScope();
          Tensor normaliser = model.device().of(here, count, 1)) {
        Tensor logits = torch.linear(normed.narrow(0, from, count), weight);
        means.narrow(0, from, count).copy_(logits.sub_(normaliser).exp_().mm(weight));
      }
    }
    return means;
  }

  @Override
  void losses(Tensor hidden, int[] positions, Sink sink) {
    try (PointerScope scope = new PointerScope()) {
      Tensor normed = normed(model, hidden);
      float[] sums = logSumExp(model, head, normed);
      Tensor index =
          model.device().of(Arrays.stream(positions).asLongStream().toArray(), positions.length);
      float[] target = dots(normed, clean.targets().index_select(0, index));
      float[] mean = dots(normed, clean.means().index_select(0, index));
      index.close();
      for (int r = 0; r < positions.length; r++) {
        double kl = (double) clean.negativeEntropy()[positions[r]] - (mean[r] - sums[r]);
        // Never below 0 but for rounding; NaN passes.
        sink.accept(r, (double) sums[r] - target[r], Math.max(0, kl));
      }
    }
  }

  /** The final norm, rounded as the head's product sees it; belongs to the open scope. */
  private static Tensor normed(LanguageModel model, Tensor x) {
    Tensor normed = Tensors.lend(model.finalNorm(x.contiguous()));
    return model.precision() == Precision.FP32
        ? normed
        : Tensors.floats(normed.to(torch.ScalarType.BFloat16));
  }

  private static float[] dots(Tensor a, Tensor b) {
    return Tensors.toArray(a.mul(b).sum(1));
  }

  private static float[] difference(float[] a, float[] b) {
    float[] result = new float[a.length];
    for (int i = 0; i < a.length; i++) {
      result[i] = a[i] - b[i];
    }
    return result;
  }

  @Override
  public void close() {
    clean.targets().close();
    clean.means().close();
  }
}
