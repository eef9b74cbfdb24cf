package dev.palimpsest.rewrite;

import dev.palimpsest.base.Seeds;
import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.model.Forward;
import dev.palimpsest.model.HookPlan;
import dev.palimpsest.model.TokenBatch;
import dev.palimpsest.results.Protocol;
import dev.palimpsest.simulate.LatentPredictor;
import dev.palimpsest.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Tensor;

/**
 * The rewrite the slow way: dense activations, the whole model run again for every window, losses
 * in double.
 */
final class BruteForce {
  private final RewriteFixture fixture;
  private final int width;
  private final float[] decoder;
  private final float[] bias;
  private final float[] skip;

  /** x, y [T][d], dense latents [T][M] and log-probabilities [T][V] of the untouched model. */
  @SuppressWarnings("ArrayRecordComponent")
  record Clean(float[][] inputs, float[][] outputs, double[][] latents, double[][] logs) {
    /** Of no token. */
    static final Clean NONE =
        new Clean(new float[0][], new float[0][], new double[0][], new double[0][]);
  }

  /** Losses of one position. */
  record Loss(double ce, double kl) {}

  BruteForce(RewriteFixture fixture) {
    this.fixture = fixture;
    width = fixture.model.config().width();
    decoder = new float[RewriteFixture.M * width];
    fixture.coder.decoder().get(decoder);
    bias = new float[width];
    fixture.coder.decoderBias().get(bias);
    skip = new float[width * width];
    fixture.coder.skip().ifPresent(s -> s.get(skip));
  }

  Clean clean(int[] context) {
    HookPlan plan = new HookPlan().tapOutput(fixture.hookpoint);
    if (fixture.transcode) {
      plan.tapInput(fixture.hookpoint);
    }
    try (Forward forward = fixture.model.forward(TokenBatch.of(context), plan)) {
      float[][] y = matrix(forward.output(fixture.hookpoint), width);
      float[][] x = fixture.transcode ? matrix(forward.input(fixture.hookpoint), width) : y;
      double[][] latents = new double[context.length][];
      Arrays.setAll(latents, t -> encode(x[t]));
      return new Clean(x, y, latents, logProbabilities(forward.logits()));
    }
  }

  /** Losses at the patched positions, given what stands in for the module's output there. */
  List<Loss> losses(
      int[] window, Clean untouched, int[] patched, IntFunction<double[]> replacement) {
    int[] context = Arrays.copyOf(window, window.length - 1);
    double[][] clean = untouched.logs();
    HookPlan plan =
        new HookPlan()
            .splice(
                fixture.hookpoint,
                (in, out) -> {
                  float[] values = Tensors.toArray(out);
                  for (int t : patched) {
                    double[] row = replacement.apply(t);
                    for (int j = 0; j < width; j++) {
                      values[t * width + j] = (float) row[j];
                    }
                  }
                  return Tensors.of(values, 1, context.length, width);
                });
    try (Forward forward = fixture.model.forward(TokenBatch.of(context), plan)) {
      double[][] logs = logProbabilities(forward.logits());
      List<Loss> losses = new ArrayList<>();
      for (int t : patched) {
        double kl = 0;
        for (int v = 0; v < logs[t].length; v++) {
          kl += Math.exp(clean[t][v]) * (clean[t][v] - logs[t][v]);
        }
        losses.add(new Loss(-logs[t][window[t + 1]], kl));
      }
      return losses;
    }
  }

  int[] patched(int[] window, Protocol protocol) {
    int first = protocol == Protocol.ALL_TOKENS ? 0 : window.length - 2;
    return IntStream.range(first, window.length - 1)
        .filter(t -> window[t] != RewriteFixture.EXCLUDED)
        .toArray();
  }

  /** z W_dec + b_dec (+ W_skip x). */
  double[] decode(double[] latents, float[] x) {
    double[] out = new double[width];
    for (int j = 0; j < width; j++) {
      out[j] = bias[j];
      for (int i = 0; i < latents.length; i++) {
        out[j] += latents[i] * decoder[i * width + j];
      }
      for (int i = 0; i < width; i++) {
        out[j] += (double) skip[j * width + i] * x[i];
      }
    }
    return out;
  }

  double[][] predicted(LatentPredictor predictor, int[] context) {
    double[][] dense = new double[context.length][predictor.latents()];
    for (double[] row : dense) {
      Arrays.setAll(row, i -> predictor.defaults()[i]);
    }
    predictor.predict(context, (t, latent, activation) -> dense[t][latent] = activation);
    return dense;
  }

  /** The k largest positive, ties to the lowest latent. */
  static double[] reselect(double[] latents, int k) {
    double[] kept = new double[latents.length];
    IntStream.range(0, latents.length)
        .boxed()
        .sorted(Comparator.<Integer>comparingDouble(i -> -latents[i]).thenComparingInt(i -> i))
        .limit(k)
        .forEach(i -> kept[i] = latents[i]);
    return kept;
  }

  /** Uniform distinct latents with the row's values, in the order of the coder's slots. */
  static double[] scattered(double[] latents, long key) {
    SplittableRandom random = Seeds.stream(RewriteFixture.SEED, "rewrite-random-latents", key);
    double[] result = new double[latents.length];
    Arrays.stream(latents)
        .filter(z -> z > 0)
        .boxed()
        .sorted(Comparator.reverseOrder())
        .forEach(
            z -> {
              int at = random.nextInt(latents.length);
              while (result[at] > 0) {
                at = random.nextInt(latents.length);
              }
              result[at] = z;
            });
    return result;
  }

  private double[] encode(float[] x) {
    double[] dense = new double[RewriteFixture.M];
    int k = fixture.coder.config().k();
    try (SparseActivations z = new SparseActivations(1, k);
        FloatPointer row = new FloatPointer(x)) {
      fixture.coder.encode(row, 1, z);
      float[] values = z.valuesArray(1);
      int[] indices = z.indicesArray(1);
      for (int s = 0; s < k; s++) {
        dense[indices[s]] += values[s];
      }
    }
    return dense;
  }

  private static double[][] logProbabilities(Tensor logits) {
    float[][] rows = matrix(logits, (int) logits.size(2));
    double[][] logs = new double[rows.length][];
    for (int t = 0; t < rows.length; t++) {
      float[] row = rows[t];
      double sum = 0;
      for (float logit : row) {
        sum += Math.exp(logit);
      }
      double partition = Math.log(sum);
      logs[t] = IntStream.range(0, row.length).mapToDouble(v -> row[v] - partition).toArray();
    }
    return logs;
  }

  private static float[][] matrix(Tensor tensor, int columns) {
    float[] values = Tensors.toArray(tensor);
    float[][] rows = new float[values.length / columns][];
    Arrays.setAll(rows, r -> Arrays.copyOfRange(values, r * columns, (r + 1) * columns));
    return rows;
  }
}
