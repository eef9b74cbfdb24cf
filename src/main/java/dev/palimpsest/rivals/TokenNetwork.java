package dev.palimpsest.rivals;

import dev.palimpsest.rivals.DenseNetwork.Weights;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Tensors;
import java.util.Arrays;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * A network that sees the tokens alone, in the form of Sun and Iyyer's neural probabilistic
 * language model (2021): the model's embeddings of the last eight tokens side by side, the mean of
 * the twenty-four before them, one hidden layer. Trained until held-back text gets no better, it is
 * the ceiling for whatever says from these tokens what the module puts out.
 */
final class TokenNetwork implements Rival {
  private static final int MEAN_TOKENS = 24;
  private static final int HIDDEN = 256;

  private final int near;
  private final float[] embedding;
  private final int size;
  private final Device device;
  private final Weights weights;
  private final double scale;

  /**
   * Trains it.
   *
   * @param near tokens seen one by one
   * @param embedding [V, size], not copied
   */
  TokenNetwork(
      int near, float[] embedding, int size, RivalSample sample, Device device, long seed) {
    this.near = near;
    this.embedding = unit(embedding);
    this.size = size;
    this.device = device;
    scale = sample.outputScale();
    try (Tensor table = table()) {
      weights =
          NetworkTraining.train(
              (near + 1) * size,
              HIDDEN,
              sample.width(),
              device,
              rows ->
                  features(
                      table,
                      rows.length,
                      i -> sample.context(rows[i]),
                      i -> sample.position(rows[i])),
              rows ->
                  Tensors.lend(device.of(sample.outputs(rows), rows.length, sample.width()))
                      .mul_(new Scalar(1 / scale)),
              sample.evenly(sample.count()),
              seed);
    }
  }

  /** The embedding at a mean square of 1. */
  private static float[] unit(float[] embedding) {
    double sum = 0;
    for (float value : embedding) {
      sum += (double) value * value;
    }
    float factor = sum > 0 ? (float) Math.sqrt(embedding.length / sum) : 1;
    float[] scaled = new float[embedding.length];
    for (int i = 0; i < scaled.length; i++) {
      scaled[i] = factor * embedding[i];
    }
    return scaled;
  }

  /** The embedding, and behind it a row of zeros for what is before the beginning. */
  private Tensor table() {
    return device.of(
        Arrays.copyOf(embedding, embedding.length + size), embedding.length / size + 1, size);
  }

  /** The context of a row. */
  @FunctionalInterface
  private interface Contexts {
    int[] of(int row);
  }

  /** Features [n, (near + 1) size + 1], in the open scope. */
  private Tensor features(
      Tensor table, int count, Contexts contexts, java.util.function.IntUnaryOperator position) {
    long none = embedding.length / size;
    long[] last = new long[count * near];
    long[] before = new long[count * MEAN_TOKENS];
    for (int r = 0; r < count; r++) {
      int[] context = contexts.of(r);
      int at = position.applyAsInt(r);
      for (int back = 0; back < near; back++) {
        last[r * near + back] = at < back ? none : context[at - back];
      }
      for (int back = 0; back < MEAN_TOKENS; back++) {
        int place = at - near - back;
        before[r * MEAN_TOKENS + back] = place < 0 ? none : context[place];
      }
    }
    Tensor seen =
        table
            .index_select(0, Tensors.lend(device.of(last, last.length)))
            .view(count, near * (long) size);
    Tensor mean =
        table
            .index_select(0, Tensors.lend(device.of(before, before.length)))
            .view(count, MEAN_TOKENS, size)
            .sum(1)
            .mul_(new Scalar(1 / Math.sqrt(MEAN_TOKENS)));
    return Columns.withOnes(device, seen, mean);
  }

  @Override
  public float[] predict(RivalRows rows) {
    try (PointerScope scope = new PointerScope();
        Tensor table = table()) {
      Tensor x = features(table, rows.count(), i -> rows.contexts()[i], i -> rows.positions()[i]);
      return Tensors.toArray(weights.apply(device, x).mul_(new Scalar(scale)));
    }
  }
}
