package dev.palimpsest.rewrite;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.results.Selection;
import org.junit.jupiter.api.Test;

class LatentSelectionTest {
  @Test
  void bestGoesByScoreWithUnscoredLatentsLastAndTiesToTheLowestLatent() {
    double[] scores = {0.5, Double.NaN, 0.9, 0.5, 0.0, Double.NaN, 1.0};
    assertThat(LatentSelection.order(Selection.BEST, i -> scores[i], 7, 1))
        .containsExactly(6, 2, 0, 3, 4, 1, 5);
  }

  @Test
  void randomIsAPermutationDecidedByTheSeed() {
    int[] order = LatentSelection.order(Selection.RANDOM, i -> 0, 100, 4);
    assertThat(order)
        .doesNotHaveDuplicates()
        .hasSize(100)
        .isEqualTo(LatentSelection.order(Selection.RANDOM, i -> 0, 100, 4))
        .isNotEqualTo(LatentSelection.order(Selection.RANDOM, i -> 0, 100, 5));
    for (int latent : order) {
      assertThat(latent).isBetween(0, 99);
    }
  }

  @Test
  void aFractionIsRoundedAndNeverEmpty() {
    assertThat(LatentSelection.count(0.001, 100)).isEqualTo(1);
    assertThat(LatentSelection.count(0.001, 32768)).isEqualTo(33);
    assertThat(LatentSelection.count(0.05, 50)).isEqualTo(3);
    assertThat(LatentSelection.count(1.0, 4096)).isEqualTo(4096);
  }

  @Test
  void membersAreTheFirstOfTheOrder() {
    assertThat(LatentSelection.members(new int[] {3, 0, 2, 1}, 2))
        .containsExactly(true, false, false, true);
  }
}
