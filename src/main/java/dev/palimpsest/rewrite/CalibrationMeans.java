package dev.palimpsest.rewrite;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.data.ExcludedTokens;
import dev.palimpsest.data.Hook;
import dev.palimpsest.data.HookedActivations;
import dev.palimpsest.data.TokenWindows;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.TokenBatch;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;

/** The mean output of the hooked module and the mean activation of every latent over the calibration text. */
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
   * @param maxTokens stops after the batch that reaches so many tokens; 0: reads all
   * @param batchTokens tokens of one forward pass
   * @throws PalimpsestException where all tokens are excluded
   */
  public static CalibrationMeans measure(
      LanguageModel model,
      SparseCoder coder,
      Hook hook,
      TokenWindows windows,
      ExcludedTokens excluded,
      long maxTokens,
      int batchTokens) {
    int length = windows.contextLength();
    int rows = Math.max(1, batchTokens / length);
    int width = model.config().width();
    double[] outputSum = new double[width];
    double[] latentSum = new double[coder.config().numLatents()];
    long tokens = 0;
    try (HookedActivations rowsOf =
            new HookedActivations(model, List.of(hook), excluded, rows * length);
        SparseActivations truth = new SparseActivations((long) rows * length, coder.config().k())) {
      for (long from = 0;
          from < windows.size() && (maxTokens == 0 || tokens < maxTokens);
          from += rows) {
        int count = rowsOf.run(batch(windows, from, rows));
        coder.encode(rowsOf.x(0), count, truth);
        addRows(rowsOf.y(0), count, outputSum);
        addLatents(truth, count, latentSum);
        tokens += count;
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

  private static void addRows(FloatPointer values, int rows, double[] sum) {
    float[] row = new float[sum.length];
    FloatPointer at = new FloatPointer(values); // a view: closing it would free what it looks at
    for (long r = 0; r < rows; r++) {
      at.position(r * row.length).get(row);
      for (int j = 0; j < row.length; j++) {
        sum[j] += row[j];
      }
    }
  }

  private static void addLatents(SparseActivations truth, int rows, double[] sum) {
    float[] values = truth.valuesArray(rows);
    int[] indices = truth.indicesArray(rows);
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
