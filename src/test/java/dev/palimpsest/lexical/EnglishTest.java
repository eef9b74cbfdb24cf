package dev.palimpsest.lexical;

import static dev.palimpsest.lexical.TestVocabulary.LEXICON;
import static dev.palimpsest.lexical.TestVocabulary.id;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.text.TokenNames;
import dev.palimpsest.text.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EnglishTest {
  @TempDir Path folder;

  private static Scorecard.Term sets(int points, Integer... symbols) {
    return new Scorecard.Term(new Pattern.Sequence(0, List.of(symbols)), points, true);
  }

  private static Scorecard.Term adds(int points, Pattern pattern) {
    return new Scorecard.Term(pattern, points, false);
  }

  private static Scorecard read(String text) {
    return EnglishReader.read(text, LEXICON, unknown -> {});
  }

  @Test
  void writesSentences() {
    Scorecard card =
        new Scorecard(
            -7,
            List.of(
                sets(6, id(" cat")),
                adds(2, Pattern.Sequence.of(1, id(" the"))),
                sets(3, id(" the"), Pattern.ANY, id("ing")),
                sets(6, LEXICON.wordClass("dog")),
                sets(7, id(" after")),
                sets(3, LEXICON.lexeme("play")),
                adds(-1, Pattern.Sequence.of(3, id("'"))),
                adds(2, new Pattern.Nearby(8, id("\n"))),
                adds(2, new Pattern.Nearby(Pattern.Nearby.STORY, id(" Tom"))),
                adds(2, new Pattern.Nearby(Pattern.Nearby.SENTENCE, id(" dog"))),
                adds(-2, new Pattern.HasTrait(Trait.QUOTED))));
    assertThat(EnglishWriter.write(card, LEXICON))
        .isEqualTo(
            "Fires strongly on cat or dog-like; fairly on the … -ing or forms of play; greatly (7)"
                + " on 'after'. More after the, near '\\n', in stories with Tom, alongside dog;"
                + " slightly less"
                + " three after '\\''; less in quotes.");
  }

  @Test
  void enumeratesNoMoreThanSixItems() {
    List<Scorecard.Term> terms = new ArrayList<>();
    for (int token : new int[] {1, 2, 3, 4, 5, 17, 18, 19}) {
      terms.add(sets(6, token));
    }
    String text = EnglishWriter.write(new Scorecard(-7, terms), LEXICON);
    assertThat(text)
        .isEqualTo("Fires strongly on the, cat, dog, -ing, '.' or Tom; strongly on -Tom or '12'.");
    assertThat(read(text).terms()).isEqualTo(terms);
    for (int token : new int[] {1, 2, 3, 17}) {
      terms.add(adds(2, Pattern.Sequence.of(1, token)));
    }
    for (int token : new int[] {2, 3, 17}) {
      terms.add(adds(2, new Pattern.Nearby(English.NEAR, token)));
    }
    assertThat(EnglishWriter.write(new Scorecard(-7, terms), LEXICON))
        .isEqualTo(text + " More after the, cat, dog or Tom; more near cat, dog or Tom.");
  }

  @Test
  void theRestIsSaidWhereItIsNotSilent() {
    assertThat(EnglishWriter.write(new Scorecard(-7, List.of()), LEXICON)).isEqualTo("Else never.");
    assertThat(EnglishWriter.write(new Scorecard(-5, List.of(sets(6, id(" cat")))), LEXICON))
        .isEqualTo("Fires strongly on cat. Else hardly.");
    assertThat(EnglishWriter.write(new Scorecard(-7, List.of(sets(6, id(" cat")))), LEXICON))
        .isEqualTo("Fires strongly on cat.");
  }

  @Test
  void piecesAreWrittenAtTheirWord() {
    Scorecard card =
        new Scorecard(
            -7,
            List.of(
                sets(6, id(" cat"), id("ing")),
                sets(6, id(" the"), id(" b"), id("ing"), id("ing")),
                sets(6, id("Tom"), id("ing"), id(" the")),
                sets(3, LEXICON.wordClass("dog"), id("ing")),
                sets(3, id(" after"), id("ing")),
                sets(3, Pattern.ANY, id("ing"))));
    String text =
        "Fires strongly on cat-ing, the b-ing-ing or -Tom-ing the; fairly on dog-like -ing,"
            + " 'after' -ing or … -ing.";
    assertThat(EnglishWriter.write(card, LEXICON)).isEqualTo(text);
    assertThat(read(text)).isEqualTo(card);
  }

  @Test
  void readsBackWhatItWrote() {
    long seed = 20240531;
    Random random = new Random(seed);
    for (int round = 0; round < 2000; round++) {
      Scorecard card = randomCard(random);
      String text = EnglishWriter.write(card, LEXICON);
      Scorecard read = read(text);
      assertThat(read.start()).as("seed %d: %s", seed, text).isEqualTo(card.start());
      assertThat(points(read, true)).as("seed %d: %s", seed, text).isEqualTo(points(card, true));
      assertThat(points(read, false)).as("seed %d: %s", seed, text).isEqualTo(points(card, false));
      assertThat(EnglishWriter.write(read, LEXICON)).isEqualTo(text);
    }
  }

  @Test
  void readsWhatAPersonWouldWrite() {
    Scorecard card =
        read(
            "strongly on  cat, 'dog' or -ing ;Clearly on Tom after the, a;  MORE near any form of"
                + " play, forms of 'play' and in quotes; on puppy unless after the");
    assertThat(card.start()).isEqualTo(-7);
    assertThat(points(card, true))
        .containsOnly(
            Map.entry(Pattern.Sequence.of(0, id(" cat")), 6),
            Map.entry(Pattern.Sequence.of(0, id(" dog")), 6),
            Map.entry(Pattern.Sequence.of(0, id("ing")), 6),
            Map.entry(new Pattern.Sequence(0, List.of(id(" the"), id(" Tom"))), 4),
            Map.entry(new Pattern.Sequence(0, List.of(id(" a"), id(" Tom"))), 4),
            Map.entry(Pattern.Sequence.of(0, id(" puppy")), 6),
            Map.entry(new Pattern.Sequence(0, List.of(id(" the"), id(" puppy"))), -7));
    assertThat(points(card, false))
        .containsOnly(
            Map.entry(new Pattern.Nearby(8, LEXICON.lexeme("play")), 2),
            Map.entry(new Pattern.HasTrait(Trait.QUOTED), 2));
  }

  @Test
  void tokensOutsideTheVocabularyNeverMatch() {
    List<UnknownToken> unknown = new ArrayList<>();
    Scorecard card =
        EnglishReader.read("Fair on zebra, '\\#999;', cow-like.", LEXICON, unknown::add);
    assertThat(unknown)
        .extracting(UnknownToken::text)
        .containsExactly(" zebra", "\\#999;", "cow-like");
    assertThat(card.terms())
        .allMatch(
            t -> ((Pattern.Sequence) t.pattern()).symbols().equals(List.of(TokenNames.UNKNOWN)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "This neuron fires on cats.",
        "Strong on",
        "Strong cat",
        "Strong on 'cat",
        "Strong on cat; and",
        "Strong on cat …",
        "Strong on '\\q'",
        "Strong on '\\u{110000}'",
        "Strong on '\\u'",
        "Strong on '\\#x;'",
        "Strong (x) on cat",
        "Strong (999) on cat",
        "Strong (6 on cat",
        "More cat",
        "More within cat",
        "More within 0 of cat",
        "More near the cat",
        "Else",
        "Else more.",
        "Strong on forms of"
      })
  void saysWhatIsWrong(String text) {
    assertThatThrownBy(() -> read(text))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageMatching("explanation, character \\d+: found .*, expected .*");
    assertThat(Reading.of(text, LEXICON).note()).isPresent();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "The word 'dog' when a cat plays | Fires strongly on dog. More near cat or forms of play.",
        "fires weakly on playing, but not after the word cat | Fires weakly on forms of play. Much"
            + " less after cat.",
        "Fires on cat when the dog plays | Fires strongly on cat. More near dog or forms of play.",
        "Fires on dog, mostly in dialogue | Fires strongly on dog. Much more in quotes.",
        "Mentions of Tom in dialogue | Fires strongly on forms of Tom. Much more in quotes.",
        "\"the dog\" and other animals | Fires strongly on the dog.",
        "cat-like words, especially after 'the'; otherwise faint | Fires strongly on cat-like. More"
            + " after the. Else faintly."
      })
  void understandsOtherEnglish(String text, String understood) {
    Reading reading = Reading.of(text, LEXICON);
    assertThat(EnglishWriter.write(reading.card(), LEXICON)).startsWith(understood);
    assertThat(reading.note()).hasValueSatisfying(note -> assertThat(note).contains("ignored: "));
  }

  /** Every token is written so that it is read back as that token. */
  @ParameterizedTest
  @ValueSource(strings = {"gpt_neox", "gpt2", "llama"})
  void everyTokenIsReadBack(String name) throws IOException {
    try (Tokenizer tokenizer = tokenizer(name)) {
      Lexicon lexicon = new Lexicon(TokenNames.of(tokenizer), Glossary.none());
      for (int id = 0; id < lexicon.names().size(); id += name.equals("llama") ? 1 : 7) {
        Scorecard card = new Scorecard(-7, List.of(sets(6, id), sets(3, id, id)));
        String text = EnglishWriter.write(card, lexicon);
        assertThat(EnglishReader.read(text, lexicon, unknown -> {})).as(text).isEqualTo(card);
      }
    }
  }

  private Tokenizer tokenizer(String name) throws IOException {
    String resource = "/golden/tokenizers/" + name + ".json.gz";
    try (InputStream raw = EnglishTest.class.getResourceAsStream(resource);
        InputStream stream = new GZIPInputStream(Objects.requireNonNull(raw))) {
      Files.write(folder.resolve("tokenizer.json"), stream.readAllBytes());
    }
    return Tokenizer.load(folder);
  }

  static Map<Pattern, Integer> points(Scorecard card, boolean sets) {
    Map<Pattern, Integer> points = new HashMap<>();
    card.terms().stream()
        .filter(term -> term.sets() == sets)
        .forEach(term -> points.put(term.pattern(), term.points()));
    return points;
  }

  static Scorecard randomCard(Random random) {
    Map<Pattern, Scorecard.Term> terms = new HashMap<>();
    int count = random.nextInt(16);
    for (int i = 0; i < count; i++) {
      int points = random.nextInt(21) - 10;
      Pattern pattern = randomPattern(random);
      boolean sets = pattern instanceof Pattern.Sequence own && own.back() == 0;
      terms.put(pattern, new Scorecard.Term(pattern, sets || points != 0 ? points : 1, sets));
    }
    return new Scorecard(random.nextInt(12) - 9, List.copyOf(terms.values()));
  }

  static Pattern randomPattern(Random random) {
    return switch (random.nextInt(4)) {
      case 0 -> {
        int reach =
            switch (random.nextInt(4)) {
              case 0 -> Pattern.Nearby.STORY;
              case 1 -> Pattern.Nearby.SENTENCE;
              default -> 1 + random.nextInt(9);
            };
        yield new Pattern.Nearby(reach, random.nextInt(LEXICON.size()));
      }
      case 1 -> {
        List<Trait> traits = List.of(Trait.values());
        yield new Pattern.HasTrait(traits.get(random.nextInt(traits.size())));
      }
      default -> {
        int length = 1 + random.nextInt(3);
        List<Integer> symbols = new ArrayList<>();
        for (int i = 0; i < length; i++) {
          boolean any = i < length - 1 && random.nextInt(4) == 0;
          symbols.add(any ? Pattern.ANY : random.nextInt(LEXICON.size()));
        }
        yield new Pattern.Sequence(random.nextInt(4), symbols);
      }
    };
  }
}
