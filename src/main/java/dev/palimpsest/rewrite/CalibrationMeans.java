package dev.palimpsest.rewrite;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.evaluate.SplicedModel;
import dev.palimpsest.model.Forward;
import dev.palimpsest.model.HookPlan;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.TokenBatch;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Tensors;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.TokenWindows;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/**
 * The mean output of the hooked module and the mean activation of every latent over the calibration
 * text.
 */
public final class CalibrationMeans {
  private final float[] output;
  private final float[] latents;
  private final long tokens;

  private CalibrationMeans(double[] outputSum, double[] latentSum, long tokens) {
    this.tokens = tokens;
    output = divide(outputSum, tokens);
    latents = divide(latentSum, tokens);
  }

  /**
   * Reads calibration windows; zeros count, excluded tokens do not.
   *
   * @param transcode whether the coder reads the module's input (else its output)
   * @param maxTokens stops after the batch that reaches so many tokens; 0: reads all
   * @param batchTokens tokens of one forward pass
   * @throws PalimpsestException where all tokens are excluded
   */
  public static CalibrationMeans measure(
      LanguageModel model,
      SparseCoder coder,
      String hookpoint,
      boolean transcode,
      TokenWindows windows,
      ExcludedTokens excluded,
      long maxTokens,
      int batchTokens) {
    int length = windows.contextLength();
    int rows = Math.max(1, batchTokens / length);
    double[] outputSum = new double[model.config().width()];
    double[] latentSum = new double[coder.config().numLatents()];
    HookPlan plan = new HookPlan().tapOutput(hookpoint).logits(false);
    if (transcode) {
      plan.tapInput(hookpoint);
    }
    long tokens = 0;
    Device device = model.device();
    try (SparseActivations truth =
        new SparseActivations(device.memory(), (long) rows * length, coder.config().k())) {
      for (long from = 0;
          from < windows.size() && (maxTokens == 0 || tokens < maxTokens);
          from += rows) {
        TokenBatch batch = batch(windows, from, rows);
        try (PointerScope scope = new PointerScope();
            Forward forward = model.forward(batch, plan);
            Tensor kept = kept(batch, excluded, device)) {
          Tensor output = SplicedModel.rows(forward.output(hookpoint), kept);
          Tensor input = transcode ? SplicedModel.rows(forward.input(hookpoint), kept) : output;
          coder.encode(device.data(input), kept.numel(), truth);
          addRows(Tensors.toArray(output), outputSum);
          addLatents(truth, latentSum);
          tokens += kept.numel();
        }
      }
    }
    if (tokens == 0) {
      throw new PalimpsestException("the calibration text has only excluded tokens");
    }
    return new CalibrationMeans(outputSum, latentSum, tokens);
  }

  /** Mean output of the module [d]; not a copy. */
  float[] output() {
    return output;
  }

  /** Mean activation of every latent [M]; not a copy. */
  float[] latents() {
    return latents;
  }

  /** Tokens the means are taken over. */
  public long tokens() {
    return tokens;
  }

  private static TokenBatch batch(TokenWindows windows, long from, int rows) {
    int length = windows.contextLength();
    int count = (int) Math.min(rows, windows.size() - from);
    int[] ids = new int[count * length];
    for (int row = 0; row < count; row++) {
      windows.read(from + row, ids, row * length);
    }
    return new TokenBatch(count, length, ids);
  }

  /** The flat positions of tokens that count [n]. */
  private static Tensor kept(TokenBatch batch, ExcludedTokens excluded, Device device) {
    long[] positions =
        IntStream.range(0, batch.ids().length)
            .filter(i -> !excluded.contains(batch.ids()[i]))
            .asLongStream()
            .toArray();
    return device.of(positions, positions.length);
  }

  private static void addRows(float[] values, double[] sum) {
    for (int i = 0; i < values.length; i++) {
      sum[i % sum.length] += values[i];
    }
  }

  private static void addLatents(SparseActivations truth, double[] sum) {
    float[] values = truth.valuesArray(truth.rows());
    int[] indices = truth.indicesArray(truth.rows());
    for (int i = 0; i < values.length; i++) {
      sum[indices[i]] += values[i];
    }
  }

  private static float[] divide(double[] sum, long by) {
    float[] mean = new float[sum.length];
    for (int i = 0; i < sum.length; i++) {
      mean[i] = (float) (sum[i] / by);
    }
    return mean;
  }
}
