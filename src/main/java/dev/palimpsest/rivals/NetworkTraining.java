package dev.palimpsest.rivals;

import dev.palimpsest.base.Seeds;
import dev.palimpsest.rivals.DenseNetwork.Weights;
import dev.palimpsest.tensor.Device;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/**
 * Trains a network to convergence: epochs over all rows but the last sixteenth, whose error
 * decides. Where it gets no better the learning rate is halved, three times; the best weights are
 * kept.
 */
final class NetworkTraining {
  private static final int MOST_BATCH = 512;
  private static final int LEAST_BATCH = 32;

  /** Steps of an epoch where the batch has neither its most nor its least rows. */
  private static final int STEPS = 256;

  private static final double RATE = 2e-3;
  private static final int HALVINGS = 3;
  private static final int MOST_EPOCHS = 30;

  /** What counts as better: by a five-hundredth. */
  private static final double BETTER = 1 - 2e-3;

  private final DenseNetwork network;
  private final Device device;
  private final Rows features;
  private final Rows outputs;
  private final int[] training;
  private final int[] held;
  private final SplittableRandom random;
  private final int batch;

  /** Rows of a sample as a tensor, in the open scope. */
  @FunctionalInterface
  interface Rows {
    Tensor of(int[] rows);
  }

  private NetworkTraining(
      DenseNetwork network, Device device, Rows features, Rows outputs, int[] rows, long seed) {
    this.network = network;
    this.device = device;
    this.features = features;
    this.outputs = outputs;
    int kept = rows.length - Math.min(rows.length / 2, Math.max(1, rows.length / 16));
    training = Arrays.copyOf(rows, kept);
    held = Arrays.copyOfRange(rows, kept, rows.length);
    batch = Math.min(MOST_BATCH, Math.max(LEAST_BATCH, kept / STEPS));
    random = Seeds.stream(seed, "rival-network-order", rows.length);
  }

  /**
   * @param features with a last column of ones [n, in + 1]
   * @param outputs [n, out]
   * @param rows of the sample that are learnt from and held back, at least 2
   */
  static Weights train(
      int in,
      int hidden,
      int out,
      Device device,
      Rows features,
      Rows outputs,
      int[] rows,
      long seed) {
    try (DenseNetwork network = new DenseNetwork(in, hidden, out, device, seed)) {
      return new NetworkTraining(network, device, features, outputs, rows, seed).run();
    }
  }

  private Weights run() {
    Weights best = network.weights();
    double least = error();
    double rate = RATE;
    int halvings = 0;
    for (int epoch = 0; epoch < MOST_EPOCHS && halvings <= HALVINGS; epoch++) {
      shuffle();
      for (int from = 0; from < training.length; from += batch) {
        int[] rows = Arrays.copyOfRange(training, from, Math.min(training.length, from + batch));
        try (PointerScope scope = new PointerScope()) {
          network.step(features.of(rows), outputs.of(rows), rate);
        }
      }
      double error = error();
      if (error < least * BETTER) {
        best = network.weights();
      } else {
        halvings++;
        rate /= 2;
      }
      least = Math.min(least, error);
    }
    device.finish();
    return best;
  }

  private void shuffle() {
    for (int i = training.length - 1; i > 0; i--) {
      int other = random.nextInt(i + 1);
      int row = training[i];
      training[i] = training[other];
      training[other] = row;
    }
  }

  private double error() {
    return IntStream.iterate(0, from -> from < held.length, from -> from + batch)
        .mapToDouble(
            from -> {
              int[] rows = Arrays.copyOfRange(held, from, Math.min(held.length, from + batch));
              try (PointerScope scope = new PointerScope()) {
                return network.error(features.of(rows), outputs.of(rows));
              }
            })
        .sum();
  }
}
