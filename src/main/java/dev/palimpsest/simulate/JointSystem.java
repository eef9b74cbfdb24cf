package dev.palimpsest.simulate;

import java.util.Arrays;

/**
 * The normal equations of the joint calibration over some tokens: scales c and a bias b that
 * minimise sum_t |t_t - sum_m c_m z_tm D_m - b|² + lambda |c - 1|², z being guesses, D decoder rows
 * [M, d], t targets [d].
 *
 * <p>The best b is that of the means, so only deviations from the means count, and of z only what
 * differs from a latent's default: A = (centred Gram of these differences) ∘ D Dᵀ, of which the
 * lower triangle is held in 32-bit floats. The centring is of rank d and is applied, not stored.
 * Solved by conjugate gradients with the diagonal as preconditioner.
 */
final class JointSystem {
  private static final int MOST_STEPS = 300;
  private static final double TOLERANCE = 1e-7;

  private final float[][] decoder;
  private final float[][] gram;
  private final double[] sums;
  private final double[] products;
  private final double[] targets;
  private long tokens;
  private boolean decoded;

  /**
   * @param decoder rows [M][d]; not copied
   */
  JointSystem(float[][] decoder) {
    this.decoder = decoder;
    int latents = decoder.length;
    gram = new float[latents][];
    for (int i = 0; i < latents; i++) {
      gram[i] = new float[i + 1];
    }
    sums = new double[latents];
    products = new double[latents];
    targets = new double[decoder[0].length];
  }

  /**
   * Adds a token.
   *
   * @param latents that are not guessed at their default, ascending, the first {@code count} count
   * @param differences guess minus default of each
   * @param target array that holds t from {@code offset} on
   */
  void add(int[] latents, float[] differences, int count, float[] target, int offset) {
    tokens++;
    for (int k = 0; k < targets.length; k++) {
      targets[k] += target[offset + k];
    }
    for (int a = 0; a < count; a++) {
      int latent = latents[a];
      float difference = differences[a];
      float[] row = gram[latent];
      for (int b = 0; b <= a; b++) {
        row[latents[b]] += difference * differences[b];
      }
      float[] direction = decoder[latent];
      double product = 0;
      for (int k = 0; k < direction.length; k++) {
        product += (double) direction[k] * target[offset + k];
      }
      sums[latent] += difference;
      products[latent] += difference * product;
    }
  }

  long tokens() {
    return tokens;
  }

  /** Sum over the tokens of what differs from the latent's default. */
  double sum(int latent) {
    return sums[latent];
  }

  /** Multiplies the Gram matrix by that of the decoder rows; ends the collection. */
  void decode() {
    if (decoded) {
      return;
    }
    decoded = true;
    int latents = decoder.length;
    float[][] columns = new float[targets.length][latents];
    for (int i = 0; i < latents; i++) {
      for (int k = 0; k < columns.length; k++) {
        columns[k][i] = decoder[i][k];
      }
    }
    float[] dots = new float[latents];
    for (int i = 0; i < latents; i++) {
      Arrays.fill(dots, 0, i + 1, 0);
      for (int k = 0; k < columns.length; k++) {
        float factor = decoder[i][k];
        float[] column = columns[k];
        for (int j = 0; j <= i; j++) {
          dots[j] += factor * column[j];
        }
      }
      float[] row = gram[i];
      for (int j = 0; j <= i; j++) {
        row[j] *= dots[j];
      }
    }
  }

  /** Adds another system over the same decoder, both decoded: that of all their tokens. */
  void merge(JointSystem other) {
    tokens += other.tokens;
    for (int i = 0; i < gram.length; i++) {
      for (int j = 0; j <= i; j++) {
        gram[i][j] += other.gram[i][j];
      }
      sums[i] += other.sums[i];
      products[i] += other.products[i];
    }
    for (int k = 0; k < targets.length; k++) {
      targets[k] += other.targets[k];
    }
  }

  /** Mean of A's diagonal. */
  double meanDiagonal() {
    return Arrays.stream(diagonal()).average().orElse(0);
  }

  /**
   * Squared error at scales c and the best bias, less that at c = 0.
   *
   * @param scales [M]
   */
  double error(double[] scales) {
    return dot(scales, product(scales)) - 2 * dot(scales, right());
  }

  /**
   * The scales that minimise the error plus lambda |c - 1|².
   *
   * @param lambda above 0
   */
  double[] solve(double lambda) {
    int latents = gram.length;
    double[] diagonal = diagonal();
    double[] scales = new double[latents];
    Arrays.fill(scales, 1);
    double[] residual = right();
    double[] applied = product(scales);
    double[] step = new double[latents];
    for (int i = 0; i < latents; i++) {
      residual[i] -= applied[i];
      step[i] = residual[i] / (diagonal[i] + lambda);
    }
    double[] direction = step.clone();
    double energy = dot(residual, step);
    double enough = TOLERANCE * TOLERANCE * energy;
    for (int round = 0; round < MOST_STEPS && energy > enough; round++) {
      applied = product(direction);
      for (int i = 0; i < latents; i++) {
        applied[i] += lambda * direction[i];
      }
      double length = energy / dot(direction, applied);
      for (int i = 0; i < latents; i++) {
        scales[i] += length * direction[i];
        residual[i] -= length * applied[i];
        step[i] = residual[i] / (diagonal[i] + lambda);
      }
      double before = energy;
      energy = dot(residual, step);
      for (int i = 0; i < latents; i++) {
        direction[i] = step[i] + energy / before * direction[i];
      }
    }
    return scales;
  }

  /** A times a vector. */
  private double[] product(double[] vector) {
    int latents = gram.length;
    double[] product = new double[latents];
    double[] mean = new double[targets.length];
    for (int i = 0; i < latents; i++) {
      float[] row = gram[i];
      double own = vector[i];
      double sum = 0;
      for (int j = 0; j < i; j++) {
        sum += row[j] * vector[j];
        product[j] += row[j] * own;
      }
      product[i] += sum + row[i] * own;
      double weight = sums[i] * own / Math.max(1, tokens);
      for (int k = 0; weight != 0 && k < mean.length; k++) {
        mean[k] += weight * decoder[i][k];
      }
    }
    for (int i = 0; i < latents; i++) {
      product[i] -= sums[i] * along(i, mean);
    }
    return product;
  }

  private double[] right() {
    double[] mean = new double[targets.length];
    for (int k = 0; k < mean.length; k++) {
      mean[k] = targets[k] / Math.max(1, tokens);
    }
    double[] right = new double[gram.length];
    for (int i = 0; i < right.length; i++) {
      right[i] = sums[i] == 0 ? products[i] : products[i] - sums[i] * along(i, mean);
    }
    return right;
  }

  private double[] diagonal() {
    double[] diagonal = new double[gram.length];
    for (int i = 0; i < diagonal.length; i++) {
      double square = 0;
      for (float entry : decoder[i]) {
        square += (double) entry * entry;
      }
      // Rounding may leave a difference just below 0.
      diagonal[i] = Math.max(0, gram[i][i] - sums[i] * sums[i] / Math.max(1, tokens) * square);
    }
    return diagonal;
  }

  private double along(int latent, double[] vector) {
    float[] row = decoder[latent];
    double sum = 0;
    for (int k = 0; k < row.length; k++) {
      sum += row[k] * vector[k];
    }
    return sum;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }
}
