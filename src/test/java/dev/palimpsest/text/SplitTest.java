package dev.palimpsest.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The five splits: exact shares, told by document number and seed alone. */
class SplitTest {
  @Test
  void sharesAreExactInEveryBlock() {
    for (long seed = 0; seed < 20; seed++) {
      for (long block = 0; block < 20; block++) {
        Map<Split, Integer> counts = new EnumMap<>(Split.class);
        for (long i = 0; i < 25; i++) {
          counts.merge(Split.of(25 * block + i, seed), 1, Integer::sum);
        }
        assertThat(counts)
            .isEqualTo(
                Map.of(
                    Split.TRAIN,
                    20,
                    Split.EXPLAIN,
                    2,
                    Split.SCORE,
                    1,
                    Split.CALIBRATE,
                    1,
                    Split.EVALUATE,
                    1));
      }
    }
  }

  @Test
  void fractionsAreThoseOfTheProtocol() {
    assertThat(Split.TRAIN.fraction()).isEqualTo(0.80);
    assertThat(Split.EXPLAIN.fraction()).isEqualTo(0.08);
    assertThat(Split.SCORE.fraction()).isEqualTo(0.04);
    assertThat(Split.CALIBRATE.fraction()).isEqualTo(0.04);
    assertThat(Split.EVALUATE.fraction()).isEqualTo(0.04);
  }

  @Test
  void everyPlaceOfABlockComesToEverySplit() {
    int[] evaluate = new int[25];
    int blocks = 5000;
    for (long block = 0; block < blocks; block++) {
      for (int i = 0; i < 25; i++) {
        if (Split.of(25 * block + i, 1) == Split.EVALUATE) {
          evaluate[i]++;
        }
      }
    }
    for (int count : evaluate) {
      assertThat(count).isBetween(blocks / 25 - 60, blocks / 25 + 60);
    }
  }
}
