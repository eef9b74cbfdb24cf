package dev.palimpsest.rivals;

import dev.palimpsest.latents.LatentBatch;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;

/**
 * The mean output after each n tokens, drawn towards what the table of n - 1 tokens says as if that
 * had been seen kappa times more (Dirichlet-like back-off); contexts that the table does not have
 * are left to that one. kappa is the one with the least squared error when each token is left out
 * of its own mean, which the sums give in closed form.
 */
final class NgramTable implements FittedRival, TokenRival {
  private static final double[] WEIGHTS = {.25, .5, 1, 2, 4, 8, 16, 32};

  /** Bits of a token id in a key: three tokens fit into a long. */
  private static final int ID_BITS = 21;

  private final int order;
  private final Map<Long, Integer> rows;
  private final Optional<NgramTable> lower;
  private final int width;
  private final long[] counts;
  private final float[][] means;
  private final double[] squares;

  /**
   * An empty table.
   *
   * @param order n, at least 0
   * @param rows row of each key that the table is to have
   * @param lower the finished table of n - 1 tokens; empty for n = 0
   * @param width d
   */
  NgramTable(int order, Map<Long, Integer> rows, Optional<NgramTable> lower, int width) {
    this.order = order;
    this.rows = rows;
    this.lower = lower;
    this.width = width;
    counts = new long[rows.size()];
    means = new float[rows.size()][width];
    squares = new double[rows.size()];
  }

  /** The key of the n tokens that end at a position; -1 where there are not as many. */
  static long key(int order, int[] context, int position) {
    if (position + 1 < order) {
      return -1;
    }
    long key = 0;
    for (int i = position - order + 1; i <= position; i++) {
      key = (key << ID_BITS) | context[i];
    }
    return key;
  }

  /** The key of the last n of the n + 1 tokens or more that a key is of. */
  static long tail(int order, long key) {
    return key & ((1L << (order * ID_BITS)) - 1);
  }

  private int[] tokens(long key) {
    int[] tokens = new int[order];
    for (int i = order - 1; i >= 0; i--) {
      tokens[i] = (int) (key & ((1 << ID_BITS) - 1));
      key >>= ID_BITS;
    }
    return tokens;
  }

  @Override
  public void add(LatentBatch batch) {
    int row = -1;
    int[] context = new int[0];
    for (int i = 0; i < batch.kept().length; i++) {
      if (batch.kept()[i] / batch.length() != row) {
        row = batch.kept()[i] / batch.length();
        context = batch.row(row);
      }
      Integer at = rows.get(key(order, context, batch.kept()[i] % batch.length()));
      if (at != null) {
        counts[at]++;
        for (int k = 0; k < width; k++) {
          float value = batch.outputs()[i * width + k];
          // A running mean: sums of many would lose digits.
          means[at][k] += (value - means[at][k]) / counts[at];
          squares[at] += (double) value * value;
        }
      }
    }
  }

  /** Draws the means towards the lower table's. */
  @Override
  public void finish() {
    if (lower.isEmpty()) {
      return;
    }
    double weight = weight();
    float[] below = new float[width];
    for (Map.Entry<Long, Integer> entry : rows.entrySet()) {
      int row = entry.getValue();
      lower.get().predict(tokens(entry.getKey()), order - 1, below, 0);
      for (int k = 0; k < width; k++) {
        means[row][k] =
            (float) ((counts[row] * means[row][k] + weight * below[k]) / (counts[row] + weight));
      }
    }
  }

  /** The weight of the lower table with the least error on tokens left out one by one. */
  private double weight() {
    double[] errors = new double[WEIGHTS.length];
    float[] below = new float[width];
    for (Map.Entry<Long, Integer> entry : rows.entrySet()) {
      int row = entry.getValue();
      lower.orElseThrow().predict(tokens(entry.getKey()), order - 1, below, 0);
      for (int w = 0; w < WEIGHTS.length; w++) {
        errors[w] += error(row, below, WEIGHTS[w]);
      }
    }
    int best = 0;
    for (int w = 1; w < WEIGHTS.length; w++) {
      best = errors[w] < errors[best] ? w : best;
    }
    return WEIGHTS[best];
  }

  /**
   * Sum over a row's outputs y of |y - (S - y + kappa u) / (n - 1 + kappa)|², S being their sum.
   */
  private double error(int row, float[] below, double weight) {
    double n = counts[row];
    double others = n - 1 + weight;
    double cross = 0;
    double square = 0;
    for (int k = 0; k < width; k++) {
      double sum = n * means[row][k];
      double drawn = sum + weight * below[k];
      cross += sum * drawn;
      square += drawn * drawn;
    }
    double own = others + 1;
    return (own * own * squares[row] - 2 * own * cross + n * square) / (others * others);
  }

  @Override
  public void predict(int[] context, int position, float[] into, int offset) {
    long key = key(order, context, position);
    Integer row = key < 0 ? null : rows.get(key);
    if (row != null) {
      System.arraycopy(means[row], 0, into, offset, width);
    } else if (lower.isPresent()) {
      lower.get().predict(context, position, into, offset);
    } else {
      Arrays.fill(into, offset, offset + width, 0);
    }
  }
}
