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
  private static final String CATS =
      "Great (9) on cat; clear on dog. More after the. Else rare (-4).";
  private static final String ENDINGS = "Fair on -ing. Rather more soon after cat. Else scant.";

  private static Simulator simulator(String first, String second) {
    return new LexicalSimulator(
        LATENTS,
        List.of(new Explanation(1, first, "test"), new Explanation(3, second, "test")),
        TestVocabulary.LEXICON);
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
    assertThat(ratings[1][1]).isEqualTo(10);
    assertThat(ratings[3][1]).isCloseTo(softplus(4), within(1e-5f));
    assertThat(ratings[5][1]).isCloseTo(softplus(4 + 2), within(1e-5f));
    assertThat(ratings[6][1]).isCloseTo(softplus(-4), within(1e-5f));
    assertThat(ratings[2][3]).isCloseTo(softplus(3 + 3), within(1e-5f));
    assertThat(ratings[7][3]).isCloseTo(softplus(3), within(1e-5f));
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
  void aParaphraseIsRatedAlike() {
    List<Explanation> texts =
        List.of(new Explanation(1, CATS, "test"), new Explanation(3, ENDINGS, "test"));
    float[][] ratings = ratings(simulator(CATS, ENDINGS), TEXT);
    int reworded = 0;
    for (long seed = 0; seed < 20; seed++) {
      List<Explanation> said = Paraphrase.of(texts, seed);
      float[][] again = ratings(simulator(said.get(0).text(), said.get(1).text()), TEXT);
      for (int p = 0; p < TEXT.length; p++) {
        assertThat(again[p]).as(said.toString()).containsExactly(ratings[p], within(1e-6f));
      }
      reworded += said.get(0).text().contains("clear on") ? 0 : 1;
      assertThat(said.get(0).text()).isNotEqualTo(CATS);
    }
    assertThat(reworded).isGreaterThan(3);
  }

  @Test
  void aParaphraseLeavesWhatIsQuoted() {
    String text =
        "Fires strongly on 'a; b.' or '\\'. x'; fairly on '.' unless after the. Else never.";
    String said = Paraphrase.of(List.of(new Explanation(0, text, "test")), 1).get(0).text();
    assertThat(said).contains("on 'a; b.' or '\\'. x'").contains("on '.' unless after the");
    assertThat(said.split("; (?![b])", -1)).hasSize(3);
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
  void theMostSpecificClauseAloneSetsThePoints() {
    String text =
        "Clear on dog; fair on dog-like; weak on cat-like; full on the dog; faint on forms of play;"
            + " strong on playing. Else silent.";
    int[] context = context(" dog", " puppy", " cat", " the", " dog", " plays", " playing");
    float[][] ratings = ratings(simulator(text, ENDINGS), context);
    int[] points = {4, 3, 1, -7, 10, 0, 6};
    for (int p = 0; p < points.length; p++) {
      assertThat(ratings[p][1]).as("%d", p).isEqualTo(Scorecard.rating(points[p]));
    }
  }

  @Test
  void whatMeansTheSameIsRatedTheSame() {
    String[] same = {
      "Strong on cat, dog; weak on -ing. More after the; less near Tom. Else silent.",
      "Weak on -ing; strong on dog, cat. Less near Tom; more after the. Else silent.",
      "else silent; strongly on 'cat' or dog; more after 'the'; less (-2) near Tom; weakly on -ing",
      "More after the. Less near Tom. Strong (6) on cat and dog. Low on -ing."
    };
    int[] context = context(" Tom", " the", " cat", "ing", " dog", " the", " Tom", " cat");
    float[][] first = ratings(simulator(same[0], ENDINGS), context);
    for (String other : same) {
      assertThat(ratings(simulator(other, ENDINGS), context)).isDeepEqualTo(first);
    }
    assertThat(first[2][1]).isNotEqualTo(first[7][1]);
  }

  @Test
  void namesTheLatentWhoseTextIsOfAnEarlierStyle() {
    assertThatThrownBy(() -> simulator(CATS, "Fires on cat 7; starts at -5."))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("latent 3: the text is in the style of earlier versions");
    assertThatThrownBy(
            () ->
                new LexicalSimulator(
                    1, List.of(new Explanation(1, CATS, "test")), TestVocabulary.LEXICON))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("1 latents");
  }
}
