package dev.palimpsest.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.lexical.LexicalSimulator;
import dev.palimpsest.lexical.TestVocabulary;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CalibrationFitterTest {
  private static final int LATENTS = 4;
  private static final int WINDOWS = 60;
  private static final int LENGTH = 16;
  private static final int CAT = TestVocabulary.id(" cat");
  private static final int DOG = TestVocabulary.id(" dog");

  private final List<int[]> contexts = new ArrayList<>();
  private final List<float[][]> truths = new ArrayList<>();

  /**
   * Latent 0 fires on cats, 1 on dogs, 2 on cats but hardly ever, 3 has no explanation but fires.
   */
  private CalibrationSet fit(Simulator simulator, float[] maxima) {
    Random random = new Random(3);
    CalibrationFitter fitter = new CalibrationFitter(simulator);
    for (int w = 0; w < WINDOWS; w++) {
      int[] context = random.ints(LENGTH, 0, 5).toArray();
      boolean[] counts = new boolean[LENGTH];
      int[][] latents = new int[LENGTH][];
      float[][] activations = new float[LENGTH][];
      float[][] dense = new float[LENGTH][LATENTS];
      for (int p = 0; p < LENGTH; p++) {
        counts[p] = context[p] != 0;
        boolean rare = context[p] == CAT && random.nextInt(60) == 0;
        latents[p] = new int[] {0, 1, 2, 3};
        activations[p] =
            new float[] {
              context[p] == CAT ? 2 + random.nextFloat() : 0,
              context[p] == DOG && random.nextBoolean() ? 1 : 0,
              rare ? 4 : 0,
              random.nextInt(10) == 0 ? 1 : -1
            };
        for (int i = 0; i < LATENTS; i++) {
          dense[p][i] = counts[p] ? Math.max(0, activations[p][i]) : 0;
        }
      }
      contexts.add(context);
      truths.add(dense);
      fitter.add(context, counts, latents, activations);
    }
    return fitter.fit(maxima);
  }

  private static Simulator simulator() {
    return new LexicalSimulator(
        LATENTS,
        List.of(
            new Explanation(0, "Fires on cat 7; starts at -4.", "test"),
            new Explanation(1, "Fires on dog 3, cat 1; starts at -4.", "test"),
            new Explanation(2, "Fires on cat 2; starts at -9.", "test")),
        TestVocabulary.NAMES);
  }

  private static final float[] MAXIMA = {3, 1, 4, 1};

  private double[] means(LatentPredictor predictor) {
    double[] sums = new double[LATENTS];
    long tokens = 0;
    for (int[] context : contexts) {
      float[][] dense = dense(predictor, context);
      for (int p = 0; p < LENGTH; p++) {
        if (context[p] != 0) {
          tokens++;
          for (int i = 0; i < LATENTS; i++) {
            sums[i] += dense[p][i];
          }
        }
      }
    }
    for (int i = 0; i < LATENTS; i++) {
      sums[i] /= tokens;
    }
    return sums;
  }

  private static float[][] dense(LatentPredictor predictor, int[] context) {
    float[][] dense = new float[context.length][];
    java.util.Arrays.setAll(dense, p -> predictor.defaults().clone());
    predictor.predict(
        context, (position, latent, activation) -> dense[position][latent] = activation);
    return dense;
  }

  @Test
  void calibratedMeansAreTheTrueMeans() {
    Simulator simulator = simulator();
    CalibrationSet set = fit(simulator, MAXIMA);
    double[] truth = new double[LATENTS];
    long tokens = 0;
    for (int w = 0; w < WINDOWS; w++) {
      for (int p = 0; p < LENGTH; p++) {
        tokens += contexts.get(w)[p] != 0 ? 1 : 0;
        for (int i = 0; i < LATENTS; i++) {
          truth[i] += truths.get(w)[p][i];
        }
      }
    }
    assertThat(set.tokens()).isEqualTo(tokens);
    for (Calibration calibration : List.of(Calibration.QUANTILE, Calibration.CONDITIONAL_MEAN)) {
      double[] predicted = means(new CalibratedPredictor(simulator, set, calibration));
      for (int i = 0; i < 2; i++) {
        assertThat(predicted[i]).isCloseTo(truth[i] / tokens, within(1e-5));
      }
      assertThat(predicted[3]).isZero();
    }
  }

  @Test
  void rareLatentsBorrowInUnitsOfTheirMaximum() {
    Simulator simulator = simulator();
    CalibrationSet set = fit(simulator, MAXIMA);
    assertThat(set.borrowed()).containsExactly(false, false, true, false);
    CalibrationSet doubled = new CalibrationFitterTest().fit(simulator, new float[] {3, 1, 8, 1});
    CalibrationMap once = set.map(Calibration.CONDITIONAL_MEAN, 2);
    CalibrationMap twice = doubled.map(Calibration.CONDITIONAL_MEAN, 2);
    assertThat(twice.apply(10) / once.apply(10)).isBetween(1.8f, 2.2f);
    assertThat(set.densities()[0]).isBetween(0.15f, 0.35f);
  }

  @Test
  void noCalibrationIsLinear() {
    Simulator simulator = simulator();
    CalibrationSet set = fit(simulator, MAXIMA);
    assertThat(set.map(Calibration.NONE, 0).apply(5)).isEqualTo(1.5f);
    assertThat(set.map(Calibration.NONE, 0).apply(10)).isEqualTo(3f);
  }

  @Test
  void survivesTheDisk(@TempDir Path folder) throws Exception {
    Simulator simulator = simulator();
    CalibrationSet set = fit(simulator, MAXIMA);
    Path file = folder.resolve("layers.2.mlp.jsonl");
    CalibrationStore.write(file, set);
    CalibrationSet read = CalibrationStore.read(file);
    for (Calibration calibration : Calibration.values()) {
      float[][] before =
          dense(new CalibratedPredictor(simulator, set, calibration), contexts.get(0));
      float[][] after =
          dense(new CalibratedPredictor(simulator, read, calibration), contexts.get(0));
      assertThat(java.util.Arrays.deepEquals(before, after)).isTrue();
    }
    String text = Files.readString(file);
    Files.writeString(file, text.substring(0, text.length() / 2));
    Assertions.assertThatThrownBy(() -> CalibrationStore.read(file))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("layers.2.mlp.jsonl");
  }

  @Test
  void shufflingLeavesNoTextInItsPlace() {
    for (int count = 2; count < 40; count++) {
      List<Explanation> own = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        own.add(new Explanation(i, "text " + i, "test"));
      }
      List<Explanation> shuffled = ShuffledExplanations.of(own, 5);
      assertThat(shuffled)
          .extracting(Explanation::latent)
          .isEqualTo(own.stream().map(Explanation::latent).toList());
      assertThat(shuffled)
          .extracting(Explanation::text)
          .containsExactlyInAnyOrderElementsOf(own.stream().map(Explanation::text).toList());
      for (int i = 0; i < count; i++) {
        assertThat(shuffled.get(i).text()).isNotEqualTo(own.get(i).text());
      }
      assertThat(ShuffledExplanations.of(own, 5)).isEqualTo(shuffled);
    }
  }
}
