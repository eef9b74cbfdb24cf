package dev.palimpsest.rivals;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.latents.LatentBatch;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class NgramTableTest {
  private static final int WIDTH = 3;
  private static final int LENGTH = 9;
  private static final int VOCABULARY = 4;

  /** One kept token: its context's end and its output. */
  private record Sample(int number, int before, int token, List<Float> output) {}

  private final Random random = new Random(4);
  private final List<Sample> samples = new ArrayList<>();
  private final List<LatentBatch> batches = new ArrayList<>();

  private void sample(double noise) {
    for (int row = 0; row < 20; row++) {
      int[] tokens = random.ints(LENGTH, 0, VOCABULARY).toArray();
      int[] kept = {0, 1, 2, 4, 5, 7, 8};
      float[] outputs = new float[kept.length * WIDTH];
      for (int i = 0; i < kept.length; i++) {
        int before = kept[i] == 0 ? -1 : tokens[kept[i] - 1];
        int token = tokens[kept[i]];
        List<Float> output = new ArrayList<>();
        for (int k = 0; k < WIDTH; k++) {
          double made = token * k + Math.sin(before * 7 + token) + noise * random.nextGaussian();
          outputs[i * WIDTH + k] = (float) made;
          output.add((float) made);
        }
        samples.add(new Sample(samples.size(), before, token, output));
      }
      batches.add(
          new LatentBatch(row, 1, LENGTH, tokens, kept, 0, new int[0], new float[0], outputs));
    }
  }

  private NgramTable table(int order, Map<Long, Integer> rows, Optional<NgramTable> lower) {
    NgramTable table = new NgramTable(order, rows, lower, WIDTH);
    batches.forEach(table::add);
    table.finish();
    return table;
  }

  /** The first {@code count} tokens or, for two, all pairs but those that end with token 3. */
  private static Map<Long, Integer> rows(int order, int count) {
    Map<Long, Integer> rows = new HashMap<>();
    for (int a = 0; a < (order == 2 ? VOCABULARY : 1); a++) {
      for (int b = 0; b < count; b++) {
        int[] context = {a, b};
        rows.put(order == 0 ? 0L : NgramTable.key(order, context, 1), rows.size());
        if (order == 0) {
          return rows;
        }
      }
    }
    return rows;
  }

  private double[] mean(java.util.function.Predicate<Sample> which) {
    double[] mean = new double[WIDTH];
    List<Sample> chosen = samples.stream().filter(which).toList();
    for (Sample s : chosen) {
      for (int k = 0; k < WIDTH; k++) {
        mean[k] += s.output().get(k) / chosen.size();
      }
    }
    return mean;
  }

  @Test
  void meansAreDrawnByTheWeightThatLeavesOutBest() {
    sample(1.5);
    NgramTable none = table(0, rows(0, 1), Optional.empty());
    NgramTable one = table(1, rows(1, VOCABULARY), Optional.of(none));
    double[] all = mean(s -> true);
    double best = Double.POSITIVE_INFINITY;
    double weight = 0;
    for (double candidate : new double[] {.25, .5, 1, 2, 4, 8, 16, 32}) {
      double error = 0;
      for (Sample left : samples) {
        List<Sample> others =
            samples.stream()
                .filter(s -> s.number() != left.number() && s.token() == left.token())
                .toList();
        for (int k = 0; k < WIDTH; k++) {
          double sum = candidate * all[k];
          for (Sample s : others) {
            sum += s.output().get(k);
          }
          error += Math.pow(left.output().get(k) - sum / (others.size() + candidate), 2);
        }
      }
      if (error < best) {
        best = error;
        weight = candidate;
      }
    }
    float[] found = new float[WIDTH + 1];
    for (int token = 0; token < VOCABULARY; token++) {
      int that = token;
      double[] mean = mean(s -> s.token() == that);
      long count = samples.stream().filter(s -> s.token() == that).count();
      one.predict(new int[] {9, token}, 1, found, 1);
      for (int k = 0; k < WIDTH; k++) {
        assertThat((double) found[k + 1])
            .isCloseTo((count * mean[k] + weight * all[k]) / (count + weight), within(1e-5));
      }
    }
  }

  @Test
  void contextsWithoutARowAreLeftToTheShorterTable() {
    sample(.1);
    NgramTable none = table(0, rows(0, 1), Optional.empty());
    NgramTable one = table(1, rows(1, 2), Optional.of(none));
    NgramTable two = table(2, rows(2, 3), Optional.of(one));
    float[] found = new float[WIDTH];
    float[] expected = new float[WIDTH];
    for (int[] context : new int[][] {{1, 3}, {1}, {3}}) {
      int last = context.length - 1;
      two.predict(context, last, found, 0);
      one.predict(context, last, expected, 0);
      assertThat(found).containsExactly(expected);
    }
    none.predict(new int[] {3}, 0, expected, 0);
    assertThat(found).as("token without a row").containsExactly(expected);
    // A pair that was seen says what followed it, not what followed its last token.
    two.predict(new int[] {2, 1}, 1, found, 0);
    double[] pair = mean(s -> s.before() == 2 && s.token() == 1);
    for (int k = 0; k < WIDTH; k++) {
      assertThat((double) found[k]).isCloseTo(pair[k], within(.12));
    }
    // What comes later in the context is not looked at.
    float[] again = new float[WIDTH];
    two.predict(new int[] {2, 1, 0, 3}, 1, again, 0);
    assertThat(again).containsExactly(found);
  }

  @Test
  void unknownNamesAreRefusedWithTheKnown() {
    assertThat(RivalKind.labelled("bigram")).isEqualTo(RivalKind.BIGRAM);
    assertThatThrownBy(() -> RivalKind.labelled("words"))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("'words'")
        .hasMessageContaining("unigram, bigram, trigram, embedding, window");
  }
}
