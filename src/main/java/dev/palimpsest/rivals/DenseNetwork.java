package dev.palimpsest.rivals;

import dev.palimpsest.base.Seeds;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Tensors;
import java.util.SplittableRandom;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * A network of one hidden layer, y = relu(x W1 + b1) W2 + b2, and its training by Adam (Kingma and
 * Ba 2015) on squared error. The biases are a row of ones in x and in the hidden layer.
 */
final class DenseNetwork implements AutoCloseable {
  private static final double BETA1 = 0.9;
  private static final double BETA2 = 0.999;
  private static final double EPSILON = 1e-8;

  /** Of the weights a step at learning rate 1 takes away. */
  private static final double DECAY = 0.01;

  private final Parameter first;
  private final Parameter second;
  private int steps;

  /** Weights with Adam's moments. */
  private record Parameter(Tensor value, Tensor mean, Tensor square) implements AutoCloseable {
    static Parameter of(Device device, int rows, int columns, SplittableRandom random) {
      double bound = 1 / Math.sqrt(rows);
      float[] values = new float[rows * columns];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (bound * (2 * random.nextDouble() - 1));
      }
      return new Parameter(
          device.of(values, rows, columns),
          device.of(new float[values.length], rows, columns),
          device.of(new float[values.length], rows, columns));
    }

    void step(Tensor gradient, double rate, int steps) {
      mean.mul_(new Scalar(BETA1)).add_(gradient, new Scalar(1 - BETA1));
      square.mul_(new Scalar(BETA2)).addcmul_(gradient, gradient, new Scalar(1 - BETA2));
      Tensor divisor =
          square.div(new Scalar(1 - Math.pow(BETA2, steps))).sqrt_().add_(new Scalar(EPSILON));
      value
          .mul_(new Scalar(1 - rate * DECAY))
          .addcdiv_(mean, divisor, new Scalar(-rate / (1 - Math.pow(BETA1, steps))));
    }

    @Override
    public void close() {
      value.close();
      mean.close();
      square.close();
    }
  }

  /** Learnt weights on the heap: [in + 1, hidden] and [hidden + 1, out]. */
  @SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
  record Weights(int hidden, int out, float[] first, float[] second) {
    /**
     * @param x [n, in + 1], the last column ones
     * @return [n, out], in the open scope
     */
    Tensor apply(Device device, Tensor x) {
      Tensor w1 = device.of(first, first.length / hidden, hidden);
      Tensor w2 = device.of(second, hidden + 1, out);
      Tensor y = output(hiddenLayer(x, w1), w2);
      w1.close();
      w2.close();
      return y;
    }
  }

  DenseNetwork(int in, int hidden, int out, Device device, long seed) {
    SplittableRandom random = Seeds.stream(seed, "rival-network", in);
    first = Parameter.of(device, in + 1, hidden, random);
    second = Parameter.of(device, hidden + 1, out, random);
  }

  private static Tensor hiddenLayer(Tensor x, Tensor weights) {
    return torch.relu(x.mm(weights));
  }

  private static Tensor output(Tensor hidden, Tensor weights) {
    long units = hidden.size(1);
    return hidden.mm(weights.narrow(0, 0, units)).add_(weights.narrow(0, units, 1));
  }

  /**
   * One step on a batch.
   *
   * @param x [n, in + 1], the last column ones
   * @param y [n, out]
   */
  void step(Tensor x, Tensor y, double rate) {
    steps++;
    try (PointerScope scope = new PointerScope()) {
      Tensor hidden = hiddenLayer(x, first.value());
      Tensor error = output(hidden, second.value()).sub_(y).mul_(new Scalar(2.0 / y.numel()));
      Tensor units = second.value().narrow(0, 0, hidden.size(1));
      Tensor back = error.mm(units.t()).mul_(hidden.gt(new Scalar(0)));
      Tensor outer = hidden.t().mm(error);
      Tensor bias = error.sum(0).unsqueeze(0);
      second.step(torch.cat(new org.bytedeco.pytorch.TensorVector(outer, bias), 0), rate, steps);
      first.step(x.t().mm(back), rate, steps);
    }
  }

  /** Squared error on a batch, summed. */
  double error(Tensor x, Tensor y) {
    try (PointerScope scope = new PointerScope()) {
      return output(hiddenLayer(x, first.value()), second.value())
          .sub_(y)
          .square_()
          .sum()
          .item_double();
    }
  }

  /** A copy of what has been learnt so far. */
  Weights weights() {
    int units = (int) first.value().size(1);
    return new Weights(
        units,
        (int) second.value().size(1),
        Tensors.toArray(first.value()),
        Tensors.toArray(second.value()));
  }

  @Override
  public void close() {
    first.close();
    second.close();
  }
}
