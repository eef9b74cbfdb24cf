package dev.palimpsest.rivals;

import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.latents.LatentBatch;
import dev.palimpsest.latents.LatentStream;
import dev.palimpsest.model.Forward;
import dev.palimpsest.model.HookPlan;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.tensor.Tensors;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * What the weights say of a token without any text, after WeightLens (Golimblevskaia et al. 2025):
 * the token's embedding is what the module's block reads, attention adds nothing, and the coder
 * encodes what its own norm makes of that. The decoded latents of each token are a table; text
 * decides one factor and one constant vector, by least squares.
 */
final class WeightLens implements FittedRival, TokenRival {
  private static final int BLOCK = 512;

  private final int width;
  private final float[] table;
  private final double[] tableSum;
  private final double[] outputSum;
  private double product;
  private double square;
  private long count;
  private double factor;
  private float[] constant = new float[0];

  WeightLens(LatentStream stream) {
    width = stream.coder().config().width();
    LanguageModel model = stream.model();
    int vocabulary = (int) model.embedding().size(0);
    table = new float[Math.multiplyExact(vocabulary, width)];
    tableSum = new double[width];
    outputSum = new double[width];
    for (int from = 0; from < vocabulary; from += BLOCK) {
      int to = Math.min(vocabulary, from + BLOCK);
      float[] decoded = decoded(stream, from, to);
      System.arraycopy(decoded, 0, table, from * width, decoded.length);
    }
  }

  /** z W_dec of tokens [from, to), z from their embeddings. */
  private static float[] decoded(LatentStream stream, int from, int to) {
    LanguageModel model = stream.model();
    SparseCoder coder = stream.coder();
    int layer = model.layerOf(stream.hookpoint());
    int rows = to - from;
    int width = coder.config().width();
    HookPlan plan =
        new HookPlan()
            .logits(false)
            .splice(model.attentionHookpoint(layer), (in, out) -> torch.zeros_like(out));
    if (stream.transcode()) {
      plan.tapInput(stream.hookpoint());
    } else {
      plan.tapOutput(stream.hookpoint());
    }
    try (PointerScope scope = new PointerScope();
        SparseActivations latents =
            new SparseActivations(coder.device().memory(), rows, coder.config().k());
        SparseActivations none = new SparseActivations(coder.device().memory(), rows, 1)) {
      Tensor hidden =
          Tensors.floats(model.embedding().narrow(0, from, rows)).contiguous().unsqueeze(1);
      try (Forward forward = model.forwardFrom(layer, hidden, plan)) {
        Tensor x =
            (stream.transcode()
                    ? forward.input(stream.hookpoint())
                    : forward.output(stream.hookpoint()))
                .contiguous();
        FloatPointer given = coder.device().data(x);
        coder.encode(given, rows, latents);
        none.set(new float[rows], new int[rows], rows);
        float[] with = decode(coder, latents, given, rows, width);
        float[] without = decode(coder, none, given, rows, width);
        for (int i = 0; i < with.length; i++) {
          with[i] -= without[i];
        }
        return with;
      }
    }
  }

  private static float[] decode(
      SparseCoder coder, SparseActivations latents, FloatPointer x, int rows, int width) {
    try (Tensor out = coder.device().empty(torch.ScalarType.Float, rows, width)) {
      coder.decode(latents, x, coder.device().data(out));
      return Tensors.toArray(out);
    }
  }

  @Override
  public void add(LatentBatch batch) {
    for (int i = 0; i < batch.kept().length; i++) {
      int at = batch.tokens()[batch.kept()[i]] * width;
      for (int k = 0; k < width; k++) {
        double said = table[at + k];
        double output = batch.outputs()[i * width + k];
        tableSum[k] += said;
        outputSum[k] += output;
        product += said * output;
        square += said * said;
      }
    }
    count += batch.kept().length;
  }

  @Override
  public void finish() {
    constant = new float[width];
    if (count == 0) {
      return;
    }
    double covariance = product;
    double variance = square;
    for (int k = 0; k < width; k++) {
      covariance -= tableSum[k] * outputSum[k] / count;
      variance -= tableSum[k] * tableSum[k] / count;
    }
    factor = variance > 0 ? covariance / variance : 0;
    for (int k = 0; k < width; k++) {
      constant[k] = (float) ((outputSum[k] - factor * tableSum[k]) / count);
    }
  }

  @Override
  public void predict(int[] context, int position, float[] into, int offset) {
    int at = context[position] * width;
    for (int k = 0; k < width; k++) {
      into[offset + k] = (float) (constant[k] + factor * table[at + k]);
    }
  }
}
