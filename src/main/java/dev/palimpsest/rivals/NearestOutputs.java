package dev.palimpsest.rivals;

import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Tensors;
import java.util.Arrays;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * A datastore of inputs and outputs and the weighted mean of the outputs at the inputs that are
 * nearest: what Xu, Alon and Neubig (2023) study in nearest-neighbour language models, with the
 * module's input, on which they find such models to rest, for the key. Neighbours weigh by exp(-
 * squared distance / temperature); the temperature has the least squared error on rows that are not
 * in the store.
 */
final class NearestOutputs implements Rival {
  private static final int STORE = 1 << 15;
  private static final int NEIGHBOURS = 64;
  private static final int QUERIES = 512;
  private static final int BLOCK = 256;

  /** In units of the mean squared distance to the nearest. */
  private static final double[] TEMPERATURES = {.03, .1, .2, .4, .8, 1.6};

  private final Device device;
  private final int width;
  private final float[] keys;
  private final float[] values;
  private final float[] squares;
  private double temperature = 1;

  NearestOutputs(RivalSample sample, Device device) {
    this.device = device;
    width = sample.width();
    int[] rows = sample.evenly(STORE + QUERIES);
    // The last windows' rows are queries: neighbours in the same window would be too near.
    int queries = Math.min(QUERIES, rows.length / 8);
    int[] stored = Arrays.copyOf(rows, rows.length - queries);
    keys = sample.inputs(stored);
    values = sample.outputs(stored);
    squares = new float[stored.length];
    for (int i = 0; i < keys.length; i++) {
      squares[i / width] += keys[i] * keys[i];
    }
    if (queries > 0) {
      int[] asked = Arrays.copyOfRange(rows, stored.length, rows.length);
      choose(sample.inputs(asked), sample.outputs(asked));
    }
  }

  private void choose(float[] inputs, float[] outputs) {
    double nearest = nearest(inputs);
    double least = Double.MAX_VALUE;
    double best = 1;
    for (double factor : TEMPERATURES) {
      temperature = Math.max(Double.MIN_NORMAL, factor * nearest);
      float[] predicted = predict(inputs);
      double error = 0;
      for (int i = 0; i < outputs.length; i++) {
        error += Math.pow(outputs[i] - predicted[i], 2);
      }
      if (error < least) {
        least = error;
        best = temperature;
      }
    }
    temperature = best;
  }

  private double nearest(float[] inputs) {
    try (PointerScope scope = new PointerScope()) {
      Tensor x = store(inputs, width);
      return torch
          .topk(distances(x, store(keys, width), store(squares, 1)), 1, 1, false, false)
          .get0()
          .mean()
          .item_double();
    }
  }

  /** Numbers as rows, in the open scope. */
  private Tensor store(float[] numbers, int columns) {
    return Tensors.lend(device.of(numbers, numbers.length / columns, columns));
  }

  /** Squared distances of rows of x from all keys [n, N], in the open scope. */
  private static Tensor distances(Tensor x, Tensor keys, Tensor squares) {
    Tensor own = x.mul(x).sum(1).unsqueeze(1);
    return x.mm(keys.t())
        .mul_(new Scalar(-2))
        .add_(squares.t())
        .add_(own)
        .clamp_min_(new Scalar(0));
  }

  @Override
  public float[] predict(RivalRows rows) {
    return predict(rows.inputs().get());
  }

  private float[] predict(float[] inputs) {
    int count = inputs.length / width;
    int neighbours = Math.min(NEIGHBOURS, squares.length);
    float[] predicted = new float[inputs.length];
    try (PointerScope scope = new PointerScope()) {
      Tensor store = store(keys, width);
      Tensor norms = store(squares, 1);
      Tensor outputs = store(values, width);
      for (int from = 0; from < count && neighbours > 0; from += BLOCK) {
        int to = Math.min(count, from + BLOCK);
        try (PointerScope block = new PointerScope()) {
          Tensor x = store(Arrays.copyOfRange(inputs, from * width, to * width), width);
          T_TensorTensor_T top =
              torch.topk(distances(x, store, norms), neighbours, 1, false, false);
          Tensor weights = torch.softmax(top.get0().mul(new Scalar(-1 / temperature)), 1);
          Tensor found =
              outputs.index_select(0, top.get1().reshape(-1)).view(to - from, neighbours, width);
          float[] part = Tensors.toArray(weights.unsqueeze(1).bmm(found));
          System.arraycopy(part, 0, predicted, from * width, part.length);
        }
      }
    }
    return predicted;
  }
}
