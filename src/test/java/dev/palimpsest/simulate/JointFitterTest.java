package dev.palimpsest.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.latents.LatentBatch;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class JointFitterTest {
  private static final int LATENTS = 7;
  private static final int WIDTH = 4;
  private static final int ROWS = 60;
  private static final int LENGTH = 5;

  private final Random random = new Random(11);
  private final float[][] decoder = new float[LATENTS][WIDTH];
  private final float[] defaults = new float[LATENTS];

  /** A guess of each latent for each token of a vocabulary of 30; 0 to 3 latents off default. */
  private final float[][] guesses = new float[30][LATENTS];

  JointFitterTest() {
    for (int i = 0; i < LATENTS; i++) {
      defaults[i] = i % 2 == 0 ? 0 : .3f;
      for (int k = 0; k < WIDTH; k++) {
        decoder[i][k] = (float) random.nextGaussian();
      }
    }
    for (float[] row : guesses) {
      System.arraycopy(defaults, 0, row, 0, LATENTS);
      for (int n = random.nextInt(4); n > 0; n--) {
        // The last latent never differs from its default.
        row[random.nextInt(LATENTS - 1)] = random.nextFloat() * 2;
      }
    }
  }

  private final LatentPredictor predictor =
      new LatentPredictor() {
        @Override
        public int latents() {
          return LATENTS;
        }

        @Override
        public float[] defaults() {
          return defaults;
        }

        @Override
        public void predict(int[] context, Sink sink) {
          for (int p = 0; p < context.length; p++) {
            for (int i = LATENTS - 1; i >= 0; i--) {
              if (guesses[context[p]][i] != defaults[i]) {
                sink.accept(p, i, guesses[context[p]][i]);
              }
            }
          }
        }
      };

  /** A window in which position 2 is excluded, and the targets of the others. */
  private LatentBatch batch(long row, float[] scales, double noise) {
    int[] tokens = random.ints(LENGTH, 0, guesses.length).toArray();
    int[] kept = {0, 1, 3, 4};
    float[] outputs = new float[kept.length * WIDTH];
    for (int n = 0; n < kept.length; n++) {
      for (int k = 0; k < WIDTH; k++) {
        double sum = 5 + k + noise * random.nextGaussian();
        for (int i = 0; i < LATENTS; i++) {
          sum += scales[i] * guesses[tokens[kept[n]]][i] * decoder[i][k];
        }
        outputs[n * WIDTH + k] = (float) sum;
      }
    }
    return new LatentBatch(row, 1, LENGTH, tokens, kept, 0, new int[0], new float[0], outputs);
  }

  @Test
  void scalesThatMadeTheTargetsAreFoundAgain() {
    float[] made = {.5f, 2, 1, 0, 1.5f, .25f, 3};
    JointFitter fitter = new JointFitter(predictor, decoder, row -> row / 2);
    double[] means = new double[LATENTS];
    for (int row = 0; row < ROWS; row++) {
      LatentBatch batch = batch(row, made, .01);
      fitter.add(batch);
      for (int kept : batch.kept()) {
        for (int i = 0; i < LATENTS; i++) {
          means[i] += guesses[batch.tokens()[kept]][i] / (4.0 * ROWS);
        }
      }
    }
    JointFit fit = fitter.fit();
    for (int i = 0; i < LATENTS - 1; i++) {
      assertThat(fit.scale()[i]).isCloseTo(made[i], within(.06f));
      assertThat((double) fit.offset()[i]).isCloseTo(means[i] * (1 - fit.scale()[i]), within(1e-5));
    }
    assertThat(fit.scale()[LATENTS - 1]).as("never varies").isEqualTo(1);
  }

  @Test
  void scalesAreNeitherNegativeNorHuge() {
    float[] made = {-1, 9, 1, 1, 1, 1, 1};
    JointFitter fitter = new JointFitter(predictor, decoder, row -> row);
    for (int row = 0; row < ROWS; row++) {
      fitter.add(batch(row, made, 0));
    }
    float[] scale = fitter.fit().scale();
    assertThat(scale[0]).isZero();
    assertThat(scale[1]).isEqualTo(JointFitter.MOST);
  }

  @Test
  void targetsWithoutRelationLeaveTheGuessesNearlyAlone() {
    JointFitter fitter = new JointFitter(predictor, decoder, row -> row);
    for (int row = 0; row < ROWS; row++) {
      fitter.add(batch(row, new float[] {1, 1, 1, 1, 1, 1, 1}, 30));
    }
    for (float scale : fitter.fit().scale()) {
      assertThat(scale).isCloseTo(1, within(.35f));
    }
  }

  /** Against the normal equations of the written-out problem, its bias a variable of its own. */
  @Test
  void solvesTheProblemThatIsWrittenDown() {
    JointSystem one = new JointSystem(decoder);
    JointSystem other = new JointSystem(decoder);
    int size = LATENTS + WIDTH;
    double lambda = 3;
    double[][] normal = new double[size][size + 1];
    for (int t = 0; t < 90; t++) {
      float[] guess = guesses[random.nextInt(guesses.length)];
      float[] target = new float[WIDTH];
      for (int k = 0; k < WIDTH; k++) {
        target[k] = (float) (2 + random.nextGaussian());
      }
      int[] at = IntStream.range(0, LATENTS).filter(i -> guess[i] != defaults[i]).toArray();
      float[] differences = new float[at.length];
      for (int n = 0; n < at.length; n++) {
        differences[n] = guess[at[n]] - defaults[at[n]];
      }
      (t % 3 == 0 ? one : other).add(at, differences, at.length, target, 0);
      for (int k = 0; k < WIDTH; k++) {
        double[] column = new double[size];
        for (int i = 0; i < LATENTS; i++) {
          column[i] = guess[i] * decoder[i][k];
        }
        column[LATENTS + k] = 1;
        for (int i = 0; i < size; i++) {
          for (int j = 0; j < size; j++) {
            normal[i][j] += column[i] * column[j];
          }
          normal[i][size] += column[i] * target[k];
        }
      }
    }
    for (int i = 0; i < LATENTS; i++) {
      normal[i][i] += lambda;
      normal[i][size] += lambda;
    }
    double[] expected = eliminate(normal);
    one.decode();
    other.decode();
    one.merge(other);
    double[] found = one.solve(lambda);
    for (int i = 0; i < LATENTS; i++) {
      assertThat(found[i]).isCloseTo(expected[i], within(1e-4));
    }
    double[] worse = found.clone();
    worse[0] += .2;
    double added = lambda * (Math.pow(worse[0] - 1, 2) - Math.pow(found[0] - 1, 2));
    assertThat(one.error(worse) + added).isGreaterThan(one.error(found));
  }

  private static double[] eliminate(double[][] system) {
    int size = system.length;
    for (int i = 0; i < size; i++) {
      for (int r = 0; r < size; r++) {
        double factor = system[r][i] / system[i][i];
        for (int c = i; r != i && c <= size; c++) {
          system[r][c] -= factor * system[i][c];
        }
      }
    }
    double[] solution = new double[size];
    for (int i = 0; i < size; i++) {
      solution[i] = system[i][size] / system[i][i];
    }
    return solution;
  }

  @Test
  void tooManyLatentsAreRefusedWithTheMemoryTheyNeed() {
    assertThatThrownBy(() -> JointFitter.requireRoom(20_000, "coders: layers.2.mlp"))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("coders: layers.2.mlp")
        .hasMessageContaining("20,000 latents needs matrices of 1,525 MiB")
        .hasMessageContaining("16,384");
  }
}
