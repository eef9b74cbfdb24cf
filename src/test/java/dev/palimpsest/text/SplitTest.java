package dev.palimpsest.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** The five splits, told by a document's content and the seed alone. */
class SplitTest {
  private static final int DOCUMENTS = 200_000;

  @Test
  void fractionsAreThoseOfTheProtocol() {
    assertThat(Split.TRAIN.fraction()).isEqualTo(0.80);
    assertThat(Split.EXPLAIN.fraction()).isEqualTo(0.08);
    assertThat(Split.SCORE.fraction()).isEqualTo(0.04);
    assertThat(Split.CALIBRATE.fraction()).isEqualTo(0.04);
    assertThat(Split.EVALUATE.fraction()).isEqualTo(0.04);
  }

  /** Five standard deviations of the binomial distribution. */
  @Test
  void sharesAreThoseFractions() {
    for (long seed = 0; seed < 5; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      Map<Split, Integer> counts = new EnumMap<>(Split.class);
      for (int d = 0; d < DOCUMENTS; d++) {
        int[] document = random.ints(6, 0, 50_000).toArray();
        counts.merge(Split.of(ContentHash.of(document), seed), 1, Integer::sum);
      }
      for (Split split : Split.values()) {
        double expected = DOCUMENTS * split.fraction();
        double deviation = Math.sqrt(expected * (1 - split.fraction()));
        assertThat((double) counts.getOrDefault(split, 0))
            .isBetween(expected - 5 * deviation, expected + 5 * deviation);
      }
    }
  }

  @Test
  void anotherSeedDealsAnew() {
    int both = 0;
    for (int d = 0; d < DOCUMENTS; d++) {
      long content = ContentHash.of(d, 1);
      boolean first = Split.of(content, 1) == Split.EVALUATE;
      both += first && Split.of(content, 2) == Split.EVALUATE ? 1 : 0;
    }
    // 0.04 squared of them, were the two seeds independent.
    assertThat(both).isBetween(230, 410);
  }

  @Test
  void contentIsTheTokensInTheirOrder() {
    assertThat(ContentHash.of(1, 2)).isEqualTo(ContentHash.of(1, 2));
    assertThat(ContentHash.of(1, 2)).isNotEqualTo(ContentHash.of(2, 1));
    assertThat(ContentHash.of(0)).isNotEqualTo(ContentHash.of(0, 0));
    assertThat(ContentHash.of(1)).isNotEqualTo(ContentHash.of());
  }

  /** Splits of old runs must stay what they were: the rule is part of the file formats. */
  @Test
  void theRuleNeverChanges() {
    long content = ContentHash.of(1, 2, 3);
    assertThat(content).isEqualTo(8914004229976245151L);
    assertThat(LongStream.range(0, 9).mapToObj(seed -> Split.of(content, seed)))
        .containsExactly(
            Split.SCORE,
            Split.TRAIN,
            Split.TRAIN,
            Split.TRAIN,
            Split.TRAIN,
            Split.TRAIN,
            Split.TRAIN,
            Split.EVALUATE,
            Split.TRAIN);
  }
}
