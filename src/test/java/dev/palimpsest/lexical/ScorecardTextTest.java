package dev.palimpsest.lexical;

import static dev.palimpsest.lexical.TestVocabulary.NAMES;
import static dev.palimpsest.lexical.TestVocabulary.id;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.text.TokenNames;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ScorecardTextTest {
  @Test
  void writesPlainEnglish() {
    Scorecard card =
        new Scorecard(
            -5,
            List.of(
                new Scorecard.Term(Pattern.Sequence.of(0, id(" cat")), 7),
                new Scorecard.Term(Pattern.Sequence.of(1, id(" the")), 2),
                new Scorecard.Term(
                    new Pattern.Sequence(0, List.of(id(" the"), Pattern.ANY, id("ing"))), 3),
                new Scorecard.Term(Pattern.Sequence.of(0, id(" dog")), 7),
                new Scorecard.Term(Pattern.Sequence.of(3, id("'")), -1),
                new Scorecard.Term(new Pattern.Nearby(8, id("\n")), 1),
                new Scorecard.Term(new Pattern.Nearby(Pattern.Nearby.STORY, id(" Tom")), 1),
                new Scorecard.Term(new Pattern.HasTrait(0, Trait.QUOTED), -2)));
    assertThat(ScorecardText.format(card, NAMES))
        .isEqualTo(
            "Fires on cat dog 7, the|*|'ing' 3, <quoted> -2; after the 2; 3 back '\\'' -1;"
                + " within 8 '\\n' 1; in story Tom 1; starts at -5.");
  }

  @Test
  void readsBackWhatItWrote() {
    long seed = 20240531;
    Random random = new Random(seed);
    for (int round = 0; round < 500; round++) {
      Scorecard card = randomCard(random);
      String text = ScorecardText.format(card, NAMES);
      Scorecard read = ScorecardText.parse(text, NAMES);
      assertThat(read.start()).as("seed %d: %s", seed, text).isEqualTo(card.start());
      assertThat(points(read)).as("seed %d: %s", seed, text).isEqualTo(points(card));
      assertThat(ScorecardText.format(read, NAMES)).isEqualTo(text);
    }
  }

  @Test
  void readsWhatAPersonWouldWrite() {
    Scorecard card =
        ScorecardText.parse("fires on  cat +7 , dog 'ing' 2;AFTER the -1 ; fires on cat 1", NAMES);
    assertThat(card.start()).isZero();
    assertThat(points(card))
        .containsOnly(
            Map.entry(Pattern.Sequence.of(0, id(" cat")), 8),
            Map.entry(Pattern.Sequence.of(0, id(" dog")), 2),
            Map.entry(Pattern.Sequence.of(0, id("ing")), 2),
            Map.entry(Pattern.Sequence.of(1, id(" the")), -1));
  }

  @Test
  void tokensOutsideTheVocabularyNeverMatch() {
    Scorecard card = ScorecardText.parse("Fires on zebra '\\#999;' 3; starts at 0.", NAMES);
    assertThat(card.terms())
        .allMatch(
            t -> ((Pattern.Sequence) t.pattern()).tokens().equals(List.of(TokenNames.UNKNOWN)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "This neuron fires on cats.",
        "Fires on 7",
        "Fires on cat",
        "Fires on 'cat 7",
        "Fires on cat 7 8",
        "Fires on <loud> 7",
        "Fires on <quoted",
        "Fires on cat|* 7",
        "Fires on cat| 7",
        "Fires on '\\q' 7",
        "Fires on '\\u{110000}' 7",
        "Fires on '\\u' 7",
        "Fires on '\\#x;' 7",
        "within cat 7",
        "within 0 cat 7",
        "within 8 the|cat 7",
        "within 8 <quoted> 7",
        "starts at",
        "starts at 99999999999",
        "starts at -5. and more",
        "starts at -5; "
      })
  void saysWhatIsWrong(String text) {
    assertThatThrownBy(() -> ScorecardText.parse(text, NAMES))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageMatching("explanation, character \\d+: found .*, expected .*");
  }

  static Map<Pattern, Integer> points(Scorecard card) {
    Map<Pattern, Integer> points = new HashMap<>();
    card.terms().forEach(term -> points.put(term.pattern(), term.points()));
    return points;
  }

  static Scorecard randomCard(Random random) {
    Map<Pattern, Integer> terms = new HashMap<>();
    int count = random.nextInt(12);
    for (int i = 0; i < count; i++) {
      int points = 1 + random.nextInt(12);
      terms.put(randomPattern(random), random.nextBoolean() ? points : -points);
    }
    List<Scorecard.Term> list = new ArrayList<>();
    terms.forEach((pattern, points) -> list.add(new Scorecard.Term(pattern, points)));
    return new Scorecard(random.nextInt(12) - 9, list);
  }

  static Pattern randomPattern(Random random) {
    return switch (random.nextInt(4)) {
      case 0 -> {
        int reach = random.nextInt(3) == 0 ? Pattern.Nearby.STORY : 1 + random.nextInt(9);
        yield new Pattern.Nearby(reach, random.nextInt(NAMES.size()));
      }
      case 1 -> {
        List<Trait> traits = List.of(Trait.values());
        yield new Pattern.HasTrait(random.nextInt(3), traits.get(random.nextInt(traits.size())));
      }
      default -> {
        int length = 1 + random.nextInt(3);
        List<Integer> tokens = new ArrayList<>();
        for (int i = 0; i < length; i++) {
          boolean any = i < length - 1 && random.nextInt(4) == 0;
          tokens.add(any ? Pattern.ANY : random.nextInt(NAMES.size()));
        }
        yield new Pattern.Sequence(random.nextInt(4), tokens);
      }
    };
  }
}
