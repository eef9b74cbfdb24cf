package dev.palimpsest.rewrite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

/** Sparse mixing of guessed and true latents against dense vectors of M activations. */
class LatentMixerTest {
  private static final int M = 40;
  private static final int K = 5;
  private static final int ROWS = 30;

  @RepeatedTest(20)
  void mixtureAgreesWithDenseVectors(RepetitionInfo repetition) {
    Case c = new Case(repetition.getCurrentRepetition());
    LatentMixer mixer = new LatentMixer(M, K);
    SparseRows out = new SparseRows();
    mixer.mix(c.truth, c.guesses, c.defaults, out);
    for (int r = 0; r < ROWS; r++) {
      double[] dense = new double[M];
      for (int p = out.start(r); p < out.start(r + 1); p++) {
        dense[out.latent(p)] += out.value(p);
      }
      for (int i = 0; i < M; i++) {
        double constant = c.chosen[i] ? c.values[i] : 0;
        assertThat(dense[i] + constant).as(c.name(r, i)).isCloseTo(c.dense[r][i], within(1e-6));
      }
    }
  }

  @RepeatedTest(20)
  void reselectionKeepsTheKLargestWithTiesToTheLowestLatent(RepetitionInfo repetition) {
    Case c = new Case(repetition.getCurrentRepetition());
    LatentMixer mixer = new LatentMixer(M, K);
    SparseRows out = new SparseRows();
    mixer.mixAndReselect(c.truth, c.guesses, c.defaults, out);
    assertThat(out.rows()).isEqualTo(ROWS);
    for (int r = 0; r < ROWS; r++) {
      float[] row = c.dense[r];
      List<Integer> order = new ArrayList<>();
      for (int i = 0; i < M; i++) {
        if (row[i] > 0) {
          order.add(i);
        }
      }
      order.sort(Comparator.<Integer>comparingDouble(i -> -row[i]).thenComparingInt(i -> i));
      List<Integer> kept = new ArrayList<>();
      for (int p = out.start(r); p < out.start(r + 1); p++) {
        kept.add(out.latent(p));
        assertThat(out.value(p)).as(c.name(r, out.latent(p))).isEqualTo(row[out.latent(p)]);
      }
      assertThat(kept).as(c.name(r, -1)).isEqualTo(order.subList(0, Math.min(K, order.size())));
    }
  }

  @Test
  void zeroingDropsTheChosenTrueLatentsOnly() {
    Case c = new Case(99);
    SparseRows out = new SparseRows();
    new LatentMixer(M, K).zero(c.truth, c.chosen, out);
    for (int r = 0; r < ROWS; r++) {
      float[] dense = new float[M];
      for (int p = out.start(r); p < out.start(r + 1); p++) {
        dense[out.latent(p)] = out.value(p);
      }
      for (int i = 0; i < M; i++) {
        assertThat(dense[i]).isEqualTo(c.chosen[i] ? 0f : c.trueDense[r][i]);
      }
    }
  }

  @Test
  void scatteringKeepsValuesOnDistinctLatentsWhateverTheBatch() {
    Case c = new Case(7);
    LatentMixer mixer = new LatentMixer(M, K);
    long[] keys = new long[ROWS];
    for (int r = 0; r < ROWS; r++) {
      keys[r] = 1000L + r;
    }
    SparseRows whole = new SparseRows();
    mixer.scatter(c.truth, keys, 3, whole);
    SparseRows lastAlone = new SparseRows();
    for (int p = c.truth.start(ROWS - 1); p < c.truth.start(ROWS); p++) {
      lastAlone.add(c.truth.latent(p), c.truth.value(p));
    }
    lastAlone.endRow();
    SparseRows again = new SparseRows();
    mixer.scatter(lastAlone, new long[] {1000 + ROWS - 1}, 3, again);
    List<Integer> drawn = new ArrayList<>();
    for (int p = whole.start(ROWS - 1); p < whole.start(ROWS); p++) {
      int pair = p - whole.start(ROWS - 1);
      assertThat(again.latent(pair)).isEqualTo(whole.latent(p));
      assertThat(again.value(pair)).isEqualTo(lastAlone.value(pair));
      drawn.add(whole.latent(p));
    }
    assertThat(drawn).doesNotHaveDuplicates().hasSize(again.start(1));
  }

  @Test
  void paddingFillsShortRowsWithNothing() {
    SparseRows rows = new SparseRows();
    rows.add(4, 1.5f);
    rows.endRow();
    rows.endRow();
    rows.add(2, 3f);
    rows.add(9, 4f);
    rows.endRow();
    assertThat(rows.width(0, 3)).isEqualTo(2);
    assertThat(rows.width(0, 2)).isEqualTo(1);
    float[] values = new float[4];
    int[] latents = new int[4];
    rows.pad(1, 3, 2, values, latents);
    assertThat(values).containsExactly(0, 0, 3, 4);
    assertThat(latents).containsExactly(0, 0, 2, 9);
  }

  /** Random truth, guesses and defaults, quantised so that ties are frequent. */
  private static final class Case {
    final long seed;
    final SparseRows truth = new SparseRows();
    final SparseRows guesses = new SparseRows();
    final boolean[] chosen = new boolean[M];
    final float[] values = new float[M];
    final float[][] trueDense = new float[ROWS][M];
    final float[][] dense = new float[ROWS][M];
    final GuessDefaults defaults;

    Case(long seed) {
      this.seed = seed;
      SplittableRandom random = new SplittableRandom(seed);
      int zeroShare = random.nextInt(1, 5);
      for (int i = 0; i < M; i++) {
        chosen[i] = random.nextInt(3) > 0;
        values[i] = Math.max(0, random.nextInt(6) - zeroShare) / 4f;
      }
      for (int r = 0; r < ROWS; r++) {
        for (int i = 0; i < M; i++) {
          if (random.nextInt(M) < K) {
            trueDense[r][i] = random.nextInt(1, 8) / 4f;
            truth.add(i, trueDense[r][i]);
          }
          dense[r][i] = chosen[i] ? values[i] : trueDense[r][i];
          if (random.nextInt(5) == 0) {
            float guess = random.nextInt(8) / 4f;
            guesses.add(i, guess);
            dense[r][i] = chosen[i] ? guess : dense[r][i];
          }
        }
        truth.endRow();
        guesses.endRow();
      }
      defaults = new GuessDefaults(values, new float[0], chosen, 1, latent -> new float[] {1});
      float sum = 0;
      for (int i = 0; i < M; i++) {
        sum += chosen[i] ? values[i] : 0;
      }
      assertThat(defaults.output()[0]).isCloseTo(sum, within(1e-4f));
    }

    String name(int row, int latent) {
      return "seed " + seed + ", row " + row + ", latent " + latent;
    }
  }

  @Test
  void offsetsOfTheChosenAreAddedToTheDefaultsOutput() {
    float[] values = {2, 0, 1, 5};
    float[] offsets = {-1, 3, 0, 7};
    boolean[] chosen = {true, true, true, false};
    GuessDefaults defaults =
        new GuessDefaults(values, offsets, chosen, 2, latent -> new float[] {1, latent});
    assertThat(defaults.offset()).hasValueSatisfying(o -> assertThat(o).containsExactly(2, 3));
    assertThat(defaults.output()).containsExactly(5, 5);
    assertThat(defaults.descending()).containsExactly(0, 2);
    assertThat(new GuessDefaults(values, new float[0], chosen, 2, l -> new float[2]).offset())
        .isEmpty();
  }
}
