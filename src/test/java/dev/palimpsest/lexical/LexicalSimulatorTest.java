package dev.palimpsest.lexical;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.simulate.Simulator;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class LexicalSimulatorTest {
  private static final int LATENTS = 4;
  private static final String CATS = "Fires on cat 9, dog 4; after the 2; starts at -4.";
  private static final String ENDINGS = "Fires on 'ing' 5; within 3 cat 3; starts at -2.";

  private static Simulator simulator(String first, String second) {
    return new LexicalSimulator(
        LATENTS,
        List.of(new Explanation(1, first, "test"), new Explanation(3, second, "test")),
        TestVocabulary.NAMES);
  }

  /** All ratings, [position][latent]. */
  private static float[][] ratings(Simulator simulator, int[] context) {
    float[][] ratings = new float[context.length][];
    Arrays.setAll(ratings, p -> simulator.defaults().clone());
    simulator.rate(context, (position, latent, rating) -> ratings[position][latent] = rating);
    return ratings;
  }

  private static int[] context(String... texts) {
    return Arrays.stream(texts).mapToInt(TestVocabulary::id).toArray();
  }

  private static final int[] TEXT =
      context(" the", " cat", "ing", " dog", " the", " dog", ".", "ing");

  @Test
  void addsUpThePoints() {
    float[][] ratings = ratings(simulator(CATS, ENDINGS), TEXT);
    assertThat(ratings[1][1]).isCloseTo(softplus(-4 + 9 + 2), within(1e-5f));
    assertThat(ratings[3][1]).isCloseTo(softplus(-4 + 4), within(1e-5f));
    assertThat(ratings[5][1]).isCloseTo(softplus(-4 + 4 + 2), within(1e-5f));
    assertThat(ratings[6][1]).isCloseTo(softplus(-4), within(1e-5f));
    assertThat(ratings[2][3]).isCloseTo(softplus(-2 + 5 + 3), within(1e-5f));
    assertThat(ratings[7][3]).isCloseTo(softplus(-2 + 5), within(1e-5f));
    assertThat(ratings[1][0]).isZero();
    assertThat(simulator(CATS, ENDINGS).explained(0)).isFalse();
  }

  private static float softplus(int points) {
    return (float) Math.log1p(Math.exp(points));
  }

  @Test
  void swappingTwoTextsSwapsTheirRatings() {
    float[][] ratings = ratings(simulator(CATS, ENDINGS), TEXT);
    float[][] swapped = ratings(simulator(ENDINGS, CATS), TEXT);
    for (int p = 0; p < TEXT.length; p++) {
      assertThat(swapped[p][1]).isEqualTo(ratings[p][3]);
      assertThat(swapped[p][3]).isEqualTo(ratings[p][1]);
      assertThat(swapped[p][0]).isEqualTo(ratings[p][0]);
    }
    assertThat(ratings[1][1]).isNotEqualTo(ratings[1][3]);
  }

  @Test
  void looksOnlyBackwards() {
    float[][] whole = ratings(simulator(CATS, ENDINGS), TEXT);
    for (int length = 1; length < TEXT.length; length++) {
      float[][] part = ratings(simulator(CATS, ENDINGS), Arrays.copyOf(TEXT, length));
      assertThat(part[length - 1]).isEqualTo(whole[length - 1]);
    }
  }

  @Test
  void reportsEachExceptionOnceAndInOrder() {
    boolean[][] seen = new boolean[TEXT.length][LATENTS];
    int[] last = {0};
    Simulator simulator = simulator(CATS, ENDINGS);
    simulator.rate(
        TEXT,
        (position, latent, rating) -> {
          assertThat(position).isGreaterThanOrEqualTo(last[0]);
          assertThat(seen[position][latent]).isFalse();
          assertThat(rating).isNotEqualTo(simulator.defaults()[latent]).isBetween(0f, 10f);
          seen[position][latent] = true;
          last[0] = position;
        });
  }

  @Test
  void namesTheLatentWhoseTextIsUnreadable() {
    assertThatThrownBy(() -> simulator(CATS, "It likes cats."))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("latent 3: explanation, character 1");
    assertThatThrownBy(
            () ->
                new LexicalSimulator(
                    1, List.of(new Explanation(1, CATS, "test")), TestVocabulary.NAMES))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("1 latents");
  }
}
