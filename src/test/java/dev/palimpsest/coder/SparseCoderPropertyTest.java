package dev.palimpsest.coder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.palimpsest.base.Seeds;
import dev.palimpsest.kernels.Activation;
import dev.palimpsest.kernels.NativeArrays;
import java.util.SplittableRandom;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Coders of random shape against the formula in double precision. */
class SparseCoderPropertyTest {
  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
  void encodesAndDecodesByTheFormula(long seed) {
    SplittableRandom random = Seeds.stream(seed, "coder.property");
    int width = 1 + random.nextInt(70);
    int k = 1 + random.nextInt(9);
    int latents = k * (1 + random.nextInt(40));
    int rows = random.nextInt(40);
    CoderConfig config =
        new CoderConfig(
            random.nextBoolean() ? Activation.TOPK : Activation.GROUPMAX,
            width,
            latents,
            k,
            32,
            true,
            false,
            random.nextBoolean(),
            random.nextBoolean());
    System.out.println("seed " + seed + ": " + config + ", " + rows + " rows");
    ParameterSet parameters = new ParameterSet(config);
    for (ParameterSet.Part part : parameters.parts()) {
      part.values().put(normal(random, part.elements(), 1));
    }
    try (SparseCoder coder = SparseCoder.of(config, parameters);
        NativeArrays memory = new NativeArrays();
        SparseActivations z = new SparseActivations(rows, k)) {
      float[] inputs = normal(random, (long) rows * width, 2);
      FloatPointer x = memory.floats(inputs.length);
      x.put(inputs);
      FloatPointer out = memory.floats(inputs.length);
      coder.encode(x, rows, z);
      coder.decode(z, x, out);
      Formula formula = new Formula(config, parameters);
      float[] found = new float[inputs.length];
      out.get(found);
      float[] values = z.valuesArray(rows);
      int[] indices = z.indicesArray(rows);
      for (int row = 0; row < rows; row++) {
        checkSelection(formula, formula.activations(inputs, row), values, indices, row);
        double[] expected = formula.output(inputs, row, values, indices);
        for (int i = 0; i < width; i++) {
          assertThat((double) found[row * width + i])
              .isCloseTo(expected[i], within(1e-3 * (1 + Math.abs(expected[i]))));
        }
      }
    }
  }

  /** The kept values are right, none is kept twice, and nothing larger was left out. */
  private static void checkSelection(
      Formula formula, double[] a, float[] values, int[] indices, int row) {
    int k = formula.config.k();
    boolean grouped = formula.config.activation() == Activation.GROUPMAX;
    boolean[] kept = new boolean[a.length];
    for (int slot = row * k; slot < (row + 1) * k; slot++) {
      if (values[slot] > 0) {
        assertThat(kept[indices[slot]]).isFalse();
        kept[indices[slot]] = true;
        assertThat((double) values[slot])
            .isCloseTo(a[indices[slot]], within(1e-4 * (1 + a[indices[slot]])));
        if (grouped) {
          assertThat(indices[slot] / (a.length / k)).isEqualTo(slot % k);
        }
      } else {
        assertThat(indices[slot]).isZero();
      }
    }
    for (int latent = 0; latent < a.length; latent++) {
      if (!kept[latent]) {
        double rival = values[row * k + (grouped ? latent / (a.length / k) : k - 1)];
        assertThat(a[latent]).isLessThanOrEqualTo(rival + 1e-4 * (1 + rival));
      }
    }
  }

  private static float[] normal(SplittableRandom random, long count, double scale) {
    float[] values = new float[Math.toIntExact(count)];
    for (int i = 0; i < values.length; i++) {
      double radius = Math.sqrt(-2 * Math.log(1 - random.nextDouble()));
      values[i] = (float) (scale * radius * Math.cos(2 * Math.PI * random.nextDouble()));
    }
    return values;
  }

  /** The coder's formulas, slowly. */
  private static final class Formula {
    private final CoderConfig config;
    private final float[] encoder;
    private final float[] encoderBias;
    private final float[] decoder;
    private final float[] decoderBias;
    private final float[] skip;

    Formula(CoderConfig config, ParameterSet parameters) {
      this.config = config;
      encoder = array(parameters.encoder());
      encoderBias = array(parameters.encoderBias());
      decoder = array(parameters.decoder());
      decoderBias = array(parameters.decoderBias());
      skip = parameters.skip().map(Formula::array).orElse(new float[0]);
    }

    private static float[] array(FloatPointer values) {
      float[] copy = new float[Math.toIntExact(values.capacity())];
      values.get(copy);
      return copy;
    }

    double[] activations(float[] x, int row) {
      int width = config.width();
      double[] a = new double[config.numLatents()];
      for (int latent = 0; latent < a.length; latent++) {
        double sum = encoderBias[latent];
        for (int i = 0; i < width; i++) {
          double centre = config.transcode() ? 0 : decoderBias[i];
          sum += encoder[latent * width + i] * (x[row * width + i] - centre);
        }
        a[latent] = Math.max(0, sum);
      }
      return a;
    }

    double[] output(float[] x, int row, float[] values, int[] indices) {
      int width = config.width();
      double[] y = new double[width];
      for (int i = 0; i < width; i++) {
        y[i] = decoderBias[i];
        for (int slot = row * config.k(); slot < (row + 1) * config.k(); slot++) {
          y[i] += (double) values[slot] * decoder[indices[slot] * width + i];
        }
        for (int j = 0; config.skipConnection() && j < width; j++) {
          y[i] += (double) skip[i * width + j] * x[row * width + j];
        }
      }
      return y;
    }
  }
}
