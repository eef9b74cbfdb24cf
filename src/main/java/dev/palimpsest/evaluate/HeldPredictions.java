package dev.palimpsest.evaluate;

import dev.palimpsest.model.Forward;
import dev.palimpsest.model.HookPlan;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.tensor.Tensors;
import java.util.Arrays;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * Predictions whose probabilities are held, [n, V]: for any head and any device. A variant's logits
 * exist for a block of rows at a time.
 */
final class HeldPredictions extends CleanPredictions {
  /** Logits of one block: a few MB, so that a block stays in cache. */
  private static final long BLOCK = 1L << 20;

  /** The same where there is no such cache: enough to keep a GPU busy. */
  private static final long DEVICE_BLOCK = 1L << 27;

  private final LanguageModel model;
  private final long[] targets;
  private final Clean clean;

  /** What is known of the untouched model: H is its predictions' entropy. */
  @SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
  private record Clean(Tensor probabilities, float[] negativeEntropy, float[] crossEntropy) {}

  private HeldPredictions(LanguageModel model, long[] targets, Clean clean) {
    super(clean.crossEntropy());
    this.model = model;
    this.targets = targets;
    this.clean = clean;
  }

  /**
   * @param last what the last block puts out [n, d]; not kept
   * @param targets [n]
   */
  static HeldPredictions of(LanguageModel model, Tensor last, long[] targets) {
    int rows = targets.length;
    float[] negativeEntropy = new float[rows];
    float[] crossEntropy = new float[rows];
    try (PointerScope scope = new PointerScope();
        TensorVector parts = new TensorVector()) {
      forBlocks(
          model,
          last,
          (from, logProbabilities) -> {
            copy(chosen(model, logProbabilities, targets, from), crossEntropy, from, -1);
            Tensor p = logProbabilities.exp();
            parts.push_back(p);
            copy(Tensors.toArray(logProbabilities.mul_(p).sum(1)), negativeEntropy, from, 1);
          });
      Tensor all = Tensors.keep(torch.cat(parts, 0));
      return new HeldPredictions(model, targets, new Clean(all, negativeEntropy, crossEntropy));
    }
  }

  @Override
  void losses(Tensor hidden, int[] positions, Sink sink) {
    long[] wanted = Arrays.stream(positions).mapToLong(row -> targets[row]).toArray();
    forBlocks(
        model,
        hidden,
        (from, logProbabilities) -> {
          int count = (int) logProbabilities.size(0);
          float[] ce = chosen(model, logProbabilities, wanted, from);
          long[] rows = Arrays.stream(positions, from, from + count).asLongStream().toArray();
          Tensor index = model.device().of(rows, count);
          Tensor clean = this.clean.probabilities().index_select(0, index);
          float[] cross = Tensors.toArray(logProbabilities.mul_(clean).sum(1));
          index.close();
          for (int r = 0; r < count; r++) {
            double entropy = this.clean.negativeEntropy()[positions[from + r]];
            // Never below 0 but for rounding; NaN passes.
            sink.accept(from + r, -ce[r], Math.max(0, entropy - cross[r]));
          }
        });
  }

  /** Uses the log-probabilities [rows, V] of rows {@code from} on. */
  @FunctionalInterface
  private interface BlockUse {
    void accept(int from, Tensor logProbabilities);
  }

  private static void forBlocks(LanguageModel model, Tensor hidden, BlockUse use) {
    long elements = model.device().isHost() ? BLOCK : DEVICE_BLOCK;
    long block = Math.max(1, elements / model.config().vocabularySize());
    int layers = model.config().layers();
    for (long from = 0; from < hidden.size(0); from += block) {
      try (PointerScope scope = new PointerScope()) {
        Tensor part = hidden.narrow(0, from, Math.min(block, hidden.size(0) - from));
        try (Forward forward = model.forwardFrom(layers, part.unsqueeze(0), new HookPlan())) {
          Tensor logits = forward.logits();
          use.accept((int) from, torch.log_softmax(logits.view(-1, logits.size(-1)), 1));
        }
      }
    }
  }

  /** The log-probabilities of the targets of rows {@code from} on. */
  private static float[] chosen(
      LanguageModel model, Tensor logProbabilities, long[] targets, int from) {
    int count = (int) logProbabilities.size(0);
    try (PointerScope scope = new PointerScope();
        Tensor wanted =
            model.device().of(Arrays.copyOfRange(targets, from, from + count), count, 1)) {
      return Tensors.toArray(logProbabilities.gather(1, wanted));
    }
  }

  private static void copy(float[] values, float[] into, int from, float factor) {
    for (int i = 0; i < values.length; i++) {
      into[from + i] = factor * values[i];
    }
  }

  @Override
  public void close() {
    clean.probabilities().close();
  }
}
