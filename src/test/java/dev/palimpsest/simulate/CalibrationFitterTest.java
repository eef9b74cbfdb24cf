package dev.palimpsest.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.latents.LatentBatch;
import dev.palimpsest.lexical.LexicalSimulator;
import dev.palimpsest.lexical.TestVocabulary;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CalibrationFitterTest {
  private static final int LATENTS = 4;
  private static final int WINDOWS = 60;
  private static final int LENGTH = 16;
  private static final int CAT = TestVocabulary.id(" cat");
  private static final int DOG = TestVocabulary.id(" dog");

  @TempDir private Path scratch;

  private final List<int[]> contexts = new ArrayList<>();
  private final List<float[][]> truths = new ArrayList<>();

  /**
   * Latent 0 fires on cats, 1 on dogs, 2 on cats but hardly ever, 3 has no explanation but fires.
   */
  private CalibrationSet fit(Simulator simulator, float[] maxima) {
    return fit(List.of(simulator), maxima).get(0);
  }

  private List<CalibrationSet> fit(List<Simulator> simulators, float[] maxima) {
    Random random = new Random(3);
    try (CalibrationFitter fitter =
        new CalibrationFitter(
            simulators, scratch.resolve("scratch"), 4 * WINDOWS * LENGTH, Map.of())) {
      for (int w = 0; w < WINDOWS; w++) {
        int[] context = random.ints(LENGTH, 0, 5).toArray();
        List<Integer> kept = new ArrayList<>();
        float[][] dense = new float[LENGTH][LATENTS];
        float[] slots = new float[LENGTH * LATENTS];
        float[] outputs = new float[LENGTH * 2];
        for (int p = 0; p < LENGTH; p++) {
          boolean rare = context[p] == CAT && random.nextInt(60) == 0;
          float[] activations = {
            context[p] == CAT ? 2 + random.nextFloat() : 0,
            context[p] == DOG && random.nextBoolean() ? 1 : 0,
            rare ? 4 : 0,
            random.nextInt(10) == 0 ? 1 : -1
          };
          if (context[p] != 0) {
            System.arraycopy(activations, 0, slots, kept.size() * LATENTS, LATENTS);
            outputs[2 * kept.size()] = context[p];
            outputs[2 * kept.size() + 1] = 1;
            kept.add(p);
            for (int i = 0; i < LATENTS; i++) {
              dense[p][i] = Math.max(0, activations[i]);
            }
          }
        }
        contexts.add(context);
        truths.add(dense);
        int n = kept.size();
        fitter.add(
            new LatentBatch(
                w,
                1,
                LENGTH,
                context,
                kept.stream().mapToInt(p -> p).toArray(),
                LATENTS,
                IntStream.range(0, n * LATENTS).map(i -> i % LATENTS).toArray(),
                Arrays.copyOf(slots, n * LATENTS),
                Arrays.copyOf(outputs, 2 * n)));
      }
      return fitter.fit(maxima);
    }
  }

  private static Simulator simulator() {
    return new LexicalSimulator(
        LATENTS,
        List.of(
            new Explanation(0, "Great (7) on cat. Else rare (-4).", "test"),
            new Explanation(1, "Slight on dog; rare on cat. Else rare (-4).", "test"),
            new Explanation(2, "Silent on cat. Else mute.", "test")),
        TestVocabulary.LEXICON);
  }

  private static final JointFit JOINT =
      new JointFit(new float[] {.5f, 1, 2, 0}, new float[] {.25f, 0, -1, 3});

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
    for (int i = 0; i < LATENTS; i++) {
      assertThat(set.means().latents()[i]).isCloseTo((float) (truth[i] / tokens), within(1e-6f));
    }
    double tokenSum = contexts.stream().flatMapToInt(Arrays::stream).sum();
    assertThat(set.means().output())
        .containsExactly(new float[] {(float) (tokenSum / tokens), 1}, within(1e-6f));
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
    CalibrationSet doubled = fit(simulator, new float[] {3, 1, 8, 1});
    CalibrationMap once = set.map(Calibration.CONDITIONAL_MEAN, 2);
    CalibrationMap twice = doubled.map(Calibration.CONDITIONAL_MEAN, 2);
    assertThat(twice.apply(10) / once.apply(10)).isBetween(1.8f, 2.2f);
    assertThat(set.densities()[0]).isBetween(0.15f, 0.35f);
  }

  /** What shuffled texts are calibrated by: their own ratings, in the same pass. */
  @Test
  void severalSimulatorsShareAPass() {
    Simulator own = simulator();
    Simulator other =
        new LexicalSimulator(
            LATENTS, List.of(new Explanation(0, "Else scant.", "test")), TestVocabulary.LEXICON);
    List<CalibrationSet> both = fit(List.of(own, other), MAXIMA);
    CalibrationSet alone = fit(own, MAXIMA);
    assertThat(both.get(0).map(Calibration.QUANTILE, 0).activations())
        .containsExactly(alone.map(Calibration.QUANTILE, 0).activations());
    CalibrationMap constant = both.get(1).map(Calibration.CONDITIONAL_MEAN, 0);
    assertThat(constant.activations()).containsExactly(both.get(1).means().latents()[0]);
  }

  /** A coder that never fires leaves calibrations that are read again, and guess silence. */
  @Test
  void aDeadCoderIsCalibratedToSilence() {
    Simulator none = new LexicalSimulator(LATENTS, List.of(), TestVocabulary.LEXICON);
    try (CalibrationFitter fitter =
        new CalibrationFitter(List.of(none), scratch.resolve("scratch"), 100, Map.of())) {
      fitter.add(
          new LatentBatch(
              0,
              1,
              2,
              new int[] {1, 2},
              new int[] {0, 1},
              1,
              new int[2],
              new float[2],
              new float[] {3, 5}));
      Path file = scratch.resolve("dead.jsonl");
      CalibrationStore.write(file, fitter.fit(new float[LATENTS]).get(0).with(JOINT));
      CalibrationSet read = CalibrationStore.read(file);
      assertThat(read.means().output()).containsExactly(4);
      for (Calibration calibration : Calibration.values()) {
        for (int latent = 0; latent < LATENTS; latent++) {
          assertThat(read.map(calibration, latent).apply(7)).isZero();
        }
      }
    }
  }

  @Test
  void damagedFilesAreRefusedByLine() throws Exception {
    Path file = scratch.resolve("c.jsonl");
    CalibrationStore.write(file, fit(simulator(), MAXIMA));
    List<String> lines = Files.readAllLines(file);
    assertThat(lines).hasSize(LATENTS + 2);
    for (int i = 0; i < lines.size(); i++) {
      List<String> without = new ArrayList<>(lines);
      without.remove(i);
      List<String> emptied = new ArrayList<>(lines);
      emptied.set(i, "null");
      List<String> bare = new ArrayList<>(lines);
      bare.set(i, "{}");
      for (List<String> damaged : List.of(without, emptied, bare, lines.subList(0, i))) {
        Files.write(file, damaged);
        Assertions.assertThatThrownBy(() -> CalibrationStore.read(file))
            .isInstanceOf(PalimpsestException.class)
            .hasMessageContaining("c.jsonl");
      }
      String digit = lines.get(i).replaceFirst("[1-8]", "9");
      List<String> flipped = new ArrayList<>(lines);
      flipped.set(i, digit);
      Files.write(file, flipped);
      Assertions.assertThatThrownBy(() -> CalibrationStore.read(file))
          .as(digit)
          .isInstanceOf(PalimpsestException.class);
    }
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
    CalibrationSet set = fit(simulator, MAXIMA).with(JOINT);
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
    assertThat(new CalibratedPredictor(simulator, read, Calibration.JOINT).offsets())
        .containsExactly(JOINT.offset());
    assertThat(new CalibratedPredictor(simulator, read, Calibration.HURDLE).offsets()).isEmpty();
    String text = Files.readString(file);
    Files.writeString(file, text.substring(0, text.length() / 2));
    Assertions.assertThatThrownBy(() -> CalibrationStore.read(file))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("layers.2.mlp.jsonl");
  }

  @Test
  void filesWithoutJointFitSaySo(@TempDir Path folder) {
    Path file = folder.resolve("c.jsonl");
    CalibrationStore.write(file, fit(simulator(), MAXIMA));
    CalibrationSet read = CalibrationStore.read(file);
    Assertions.assertThatThrownBy(
            () -> new CalibratedPredictor(simulator(), read, Calibration.JOINT))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("'joint'");
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
