package dev.palimpsest.rivals;

import dev.palimpsest.rivals.DenseNetwork.Weights;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * Small networks of the module's input of which each token goes through one, after the sparse
 * all-MLP with routed experts (Yu et al. 2022). Ours routes to the nearest of the centres that
 * Lloyd's algorithm finds in the inputs, and trains every expert on its own tokens.
 */
final class RoutedExperts implements Rival {
  private static final int EXPERTS = 16;
  private static final int HIDDEN = 64;
  private static final int ROUNDS = 10;

  /** Rows that centres are found in, and rows a time. */
  private static final int SOME = 1 << 14;

  /** With fewer rows an expert says nothing and its tokens get the mean. */
  private static final int FEWEST = 64;

  private final Device device;
  private final int width;
  private final float[] centres;
  private final List<Optional<Weights>> experts = new ArrayList<>();
  private final double scale;

  RoutedExperts(RivalSample sample, Device device, long seed) {
    this.device = device;
    width = sample.width();
    scale = sample.outputScale();
    centres = centres(sample);
    int[] routes = new int[sample.count()];
    for (int from = 0; from < routes.length; from += SOME) {
      int[] rows = range(from, Math.min(routes.length, from + SOME));
      System.arraycopy(route(sample.inputs(rows)), 0, routes, from, rows.length);
    }
    for (int e = 0; e < EXPERTS; e++) {
      int expert = e;
      int[] own = Arrays.stream(range(0, routes.length)).filter(r -> routes[r] == expert).toArray();
      experts.add(
          own.length < FEWEST ? Optional.empty() : Optional.of(train(sample, own, seed + e)));
    }
  }

  private Weights train(RivalSample sample, int[] rows, long seed) {
    return NetworkTraining.train(
        width,
        HIDDEN,
        width,
        device,
        some -> Columns.withOnes(device, rows(sample.inputs(some))),
        some -> rows(sample.outputs(some)).mul_(new Scalar(1 / scale)),
        rows,
        seed);
  }

  /** Numbers as rows of the width, in the open scope. */
  private Tensor rows(float[] numbers) {
    return Tensors.lend(device.of(numbers, numbers.length / width, width));
  }

  private float[] centres(RivalSample sample) {
    int[] rows = sample.evenly(SOME);
    float[] points = sample.inputs(rows);
    float[] found = new float[EXPERTS * width];
    for (int e = 0; e < EXPERTS && rows.length > 0; e++) {
      int at = (int) ((long) e * rows.length / EXPERTS);
      System.arraycopy(points, at * width, found, e * width, width);
    }
    for (int round = 0; round < ROUNDS; round++) {
      int[] nearest = nearest(points, found);
      double[] sums = new double[found.length];
      int[] counts = new int[EXPERTS];
      for (int r = 0; r < rows.length; r++) {
        counts[nearest[r]]++;
        for (int k = 0; k < width; k++) {
          sums[nearest[r] * width + k] += points[r * width + k];
        }
      }
      for (int i = 0; i < found.length; i++) {
        found[i] = counts[i / width] > 0 ? (float) (sums[i] / counts[i / width]) : found[i];
      }
    }
    return found;
  }

  private int[] route(float[] inputs) {
    return nearest(inputs, centres);
  }

  /** By row, the first of the centres that none is nearer than. */
  private int[] nearest(float[] points, float[] middles) {
    int rows = points.length / width;
    int count = middles.length / width;
    float[] products;
    try (PointerScope scope = new PointerScope()) {
      Tensor x = rows(points);
      Tensor c = rows(middles);
      products = Tensors.toArray(x.mm(c.t()));
    }
    double[] squares = new double[count];
    for (int i = 0; i < middles.length; i++) {
      squares[i / width] += (double) middles[i] * middles[i];
    }
    int[] nearest = new int[rows];
    for (int r = 0; r < rows; r++) {
      for (int c = 1; c < count; c++) {
        if (squares[c] - 2 * products[r * count + c]
            < squares[nearest[r]] - 2 * products[r * count + nearest[r]]) {
          nearest[r] = c;
        }
      }
    }
    return nearest;
  }

  @Override
  public float[] predict(RivalRows rows) {
    float[] inputs = rows.inputs().get();
    int[] routes = route(inputs);
    float[] predicted = new float[inputs.length];
    for (int e = 0; e < experts.size(); e++) {
      int expert = e;
      int[] own = Arrays.stream(range(0, routes.length)).filter(r -> routes[r] == expert).toArray();
      if (own.length > 0 && experts.get(e).isPresent()) {
        float[] given = new float[own.length * width];
        for (int i = 0; i < own.length; i++) {
          System.arraycopy(inputs, own[i] * width, given, i * width, width);
        }
        float[] found;
        try (PointerScope scope = new PointerScope()) {
          Tensor x = Columns.withOnes(device, rows(given));
          found =
              Tensors.toArray(
                  experts.get(e).orElseThrow().apply(device, x).mul_(new Scalar(scale)));
        }
        for (int i = 0; i < own.length; i++) {
          System.arraycopy(found, i * width, predicted, own[i] * width, width);
        }
      }
    }
    return predicted;
  }

  private static int[] range(int from, int to) {
    return java.util.stream.IntStream.range(from, to).toArray();
  }
}
