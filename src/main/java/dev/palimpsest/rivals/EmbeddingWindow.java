package dev.palimpsest.rivals;

import dev.palimpsest.latents.LatentBatch;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Tensors;
import java.util.Arrays;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/**
 * A linear map from the model's embeddings of the last n tokens, laid side by side, and a constant:
 * ridge regression on the outputs. With n = 1 the form that FIRP has; with more a linear neural
 * probabilistic language model of a local window (after Sun and Iyyer 2021). Before the beginning
 * of a context embeddings are 0.
 */
final class EmbeddingWindow implements FittedRival, TokenRival, AutoCloseable {
  /** The penalty of a squared weight in units of the features' mean square. */
  private static final double RIDGE = 1e-4;

  private final int tokens;
  private final float[] embedding;
  private final int size;
  private final int width;
  private final int features;
  private final Device device;
  private final Tensor gram;
  private final Tensor products;
  private float[] weights = new float[0];

  /**
   * @param tokens n, at least 1
   * @param embedding [V, size], not copied
   * @param width d of the outputs
   */
  EmbeddingWindow(int tokens, float[] embedding, int size, int width, Device device) {
    this.tokens = tokens;
    this.embedding = embedding;
    this.size = size;
    this.width = width;
    this.device = device;
    features = tokens * size + 1;
    gram = device.of(new float[features * features], features, features);
    products = device.of(new float[features * width], features, width);
  }

  private void features(int[] context, int position, float[] into, int offset) {
    for (int back = 0; back < tokens; back++) {
      int at = offset + back * size;
      if (position < back) {
        Arrays.fill(into, at, at + size, 0);
      } else {
        System.arraycopy(embedding, context[position - back] * size, into, at, size);
      }
    }
    into[offset + features - 1] = 1;
  }

  @Override
  public void add(LatentBatch batch) {
    int count = batch.kept().length;
    float[] rows = new float[count * features];
    int row = -1;
    int[] context = new int[0];
    for (int i = 0; i < count; i++) {
      if (batch.kept()[i] / batch.length() != row) {
        row = batch.kept()[i] / batch.length();
        context = batch.row(row);
      }
      features(context, batch.kept()[i] % batch.length(), rows, i * features);
    }
    try (PointerScope scope = new PointerScope()) {
      Tensor x = Tensors.lend(device.of(rows, count, features));
      Tensor y = Tensors.lend(device.of(batch.outputs(), count, width));
      gram.add_(x.t().mm(x));
      products.add_(x.t().mm(y));
    }
  }

  @Override
  public void finish() {
    RidgeSolver solver = new RidgeSolver(Tensors.toArray(gram), features, RIDGE);
    weights = solver.solve(Tensors.toArray(products), width);
    close();
  }

  @Override
  public void predict(int[] context, int position, float[] into, int offset) {
    float[] row = new float[features];
    features(context, position, row, 0);
    Arrays.fill(into, offset, offset + width, 0);
    for (int f = 0; f < features; f++) {
      float factor = row[f];
      for (int k = 0; factor != 0 && k < width; k++) {
        into[offset + k] += factor * weights[f * width + k];
      }
    }
  }

  @Override
  public void close() {
    gram.close();
    products.close();
  }
}
