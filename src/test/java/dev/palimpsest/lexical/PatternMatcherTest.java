package dev.palimpsest.lexical;

import static dev.palimpsest.lexical.TestVocabulary.LEXICON;
import static dev.palimpsest.lexical.TestVocabulary.NAMES;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class PatternMatcherTest {
  /** The boundary, the full stop and the line break. */
  private static final Set<Integer> ENDS = Set.of(0, id("."), id("\n"));

  @Test
  void looksAlongASentenceAndNoFurther() {
    int[] context = {id(" dog"), id("."), id(" cat"), id(" the"), id(" a"), id("."), id(" b")};
    List<Pattern> patterns =
        List.of(
            new Pattern.Nearby(Pattern.Nearby.SENTENCE, id(" cat")),
            new Pattern.Nearby(Pattern.Nearby.SENTENCE, id(" dog")));
    List<List<Integer>> places = List.of(new ArrayList<>(), new ArrayList<>());
    new PatternMatcher(patterns, LEXICON)
        .match(
            context,
            (position, found, count) -> {
              for (int i = 0; i < count; i++) {
                places.get(found[i]).add(position);
              }
            });
    assertThat(places.get(0)).as("the word itself does not count").containsExactly(3, 4, 5);
    assertThat(places.get(1)).as("the full stop belongs to the sentence").containsExactly(1);
  }

  @Test
  void agreesWithLookingAtEveryPattern() {
    long seed = 7;
    Random random = new Random(seed);
    for (int round = 0; round < 60; round++) {
      Set<Pattern> distinct = new LinkedHashSet<>();
      for (int i = 0; i < 150; i++) {
        distinct.add(EnglishTest.randomPattern(random));
      }
      List<Pattern> patterns = new ArrayList<>(distinct);
      int[] context =
          random.ints(60, 0, 12).map(i -> i == 11 ? random.nextInt(NAMES.size()) : i).toArray();
      int[] traits = new TraitReader(NAMES).read(context);
      new PatternMatcher(patterns, LEXICON)
          .match(
              context,
              (position, found, count) -> {
                Set<Integer> matched = new TreeSet<>();
                for (int i = 0; i < count; i++) {
                  assertThat(matched.add(found[i])).as("seed %d: reported once", seed).isTrue();
                }
                for (int i = 0; i < patterns.size(); i++) {
                  assertThat(matched.contains(i))
                      .as("seed %d, position %d, %s", seed, position, patterns.get(i))
                      .isEqualTo(matches(patterns.get(i), context, traits, position));
                }
              });
    }
  }

  private static boolean matches(Pattern pattern, int[] context, int[] traits, int position) {
    if (pattern instanceof Pattern.Sequence sequence) {
      int at = position - sequence.back();
      for (int i = sequence.symbols().size() - 1; i >= 0; i--, at--) {
        if (at < 0 || !stands(sequence.symbols().get(i), context[at])) {
          return false;
        }
      }
      return true;
    }
    if (pattern instanceof Pattern.HasTrait has) {
      return (traits[position] & has.trait().bit()) != 0;
    }
    Pattern.Nearby nearby = (Pattern.Nearby) pattern;
    for (int at = position - 1; at >= 0 && position - at <= nearby.reach(); at--) {
      boolean sentence = nearby.reach() == Pattern.Nearby.SENTENCE;
      if (context[at + 1] == 0 || (sentence && ENDS.contains(context[at]))) {
        return false;
      }
      if (stands(nearby.symbol(), context[at])) {
        return true;
      }
    }
    return false;
  }

  private static boolean stands(int symbol, int token) {
    return symbol == Pattern.ANY
        || symbol == token
        || (LEXICON.isGroup(symbol) && LEXICON.members(symbol).contains(token));
  }

  @Test
  void readsTraits() {
    int[] context = {
      id("<|endoftext|>"),
      id("Tom"),
      id(" the"),
      id(" cat"),
      id("ing"),
      id("."),
      id("\""),
      id(" dog"),
      id(" the"),
      id(" cat"),
      id("\""),
      id(" the")
    };
    int[] traits = new TraitReader(NAMES).read(context);
    assertThat(has(traits[1], Trait.FIRST, Trait.OPENING)).isTrue();
    assertThat(has(traits[2], Trait.EARLY)).isTrue();
    assertThat(has(traits[6], Trait.FIRST)).isTrue();
    assertThat(has(traits[6], Trait.QUOTED)).isFalse();
    assertThat(has(traits[7], Trait.QUOTED)).isTrue();
    assertThat(has(traits[8], Trait.QUOTED, Trait.SEEN, Trait.SECOND)).isTrue();
    assertThat(has(traits[9], Trait.REPEATING)).isTrue();
    assertThat(has(traits[10], Trait.QUOTED, Trait.SECOND)).isTrue();
    assertThat(has(traits[11], Trait.SEEN)).isTrue();
    assertThat(has(traits[11], Trait.SECOND)).isFalse();
    assertThat(has(traits[11], Trait.QUOTED)).isFalse();
    assertThat(traits[0]).isZero();
  }

  private static boolean has(int bits, Trait... traits) {
    for (Trait trait : traits) {
      if ((bits & trait.bit()) == 0) {
        return false;
      }
    }
    return true;
  }

  private static int id(String text) {
    return TestVocabulary.id(text);
  }
}
