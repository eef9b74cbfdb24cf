package dev.palimpsest.lexical;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.explain.Explanation;
import dev.palimpsest.latents.LatentCache;
import dev.palimpsest.latents.SyntheticCache;
import dev.palimpsest.text.TokenNames;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GlossaryMakerTest {
  private static final int VOCABULARY = 73;
  private static final int GROUP = 6;
  private static final int LATENTS = VOCABULARY / GROUP;
  private static final TokenNames NAMES =
      TokenNames.of(
          VOCABULARY, id -> id == 0 ? "<|endoftext|>" : " " + word(id), OptionalInt.of(0));

  @TempDir private Path folder;

  private static String word(int id) {
    return "w" + (char) ('a' + id / 26) + (char) ('a' + id % 26);
  }

  /** Each latent fires on six words, and writes in a direction of its own. */
  @BeforeEach
  void cache() {
    SyntheticCache.write(
        folder,
        SyntheticCache.rows(100, 32, VOCABULARY, 3),
        LATENTS,
        50,
        (latent, row, p) -> row[p] > 0 && (row[p] - 1) / GROUP == latent ? 2 : 0);
  }

  private static DecoderRows decoder() {
    float[] rows = new float[LATENTS * LATENTS];
    for (int latent = 0; latent < LATENTS; latent++) {
      rows[latent * LATENTS + latent] = 1 + latent % 3;
    }
    return new DecoderRows(LATENTS, rows);
  }

  private Glossary make(int characters) {
    try (LatentCache cache = LatentCache.open(folder)) {
      return GlossaryMaker.make(
          cache, LexicalConfig.defaults().withCharacters(characters), NAMES, decoder());
    }
  }

  @Test
  void wordsAtWhichTheSameIsWrittenAreAClass() {
    List<WordClass> classes = make(20_000).classes();
    assertThat(classes).hasSizeGreaterThan(5);
    assertThat(classes).extracting(WordClass::name).doesNotHaveDuplicates();
    // The small ones are words of one latent.
    List<WordClass> small = classes.stream().filter(each -> each.tokens().size() <= GROUP).toList();
    assertThat(small).isNotEmpty();
    for (WordClass each : small) {
      int group = (each.tokens().get(0) - 1) / GROUP;
      assertThat(each.tokens()).allMatch(token -> (token - 1) / GROUP == group);
      assertThat(each.tokens()).contains(NAMES.idOf(" " + each.name()));
    }
  }

  @Test
  void itsCharactersAreAFewOfThoseOfAllTexts() {
    for (int characters : new int[] {50, 100, 400, 2000}) {
      int length = make(characters).text(NAMES).length();
      assertThat(length).isLessThanOrEqualTo(Math.max(18, characters * LATENTS / 20));
    }
  }

  @Test
  void withoutTheDecoderThereAreNone() {
    try (LatentCache cache = LatentCache.open(folder)) {
      assertThat(GlossaryMaker.make(cache, LexicalConfig.defaults(), NAMES, DecoderRows.unknown()))
          .isEqualTo(Glossary.none());
    }
  }

  @Test
  void textsSpeakOfClassesAndPayForThem() {
    Glossary glossary = make(20_000);
    String file = glossary.text(NAMES);
    try (LatentCache cache = LatentCache.open(folder)) {
      List<Explanation> alone = explain(cache, Glossary.none(), 100);
      List<Explanation> with = explain(cache, glossary, 100);
      assertThat(with).anyMatch(each -> each.text().contains(English.LIKE));
      assertThat(mean(with)).isLessThan(mean(alone));
      int share = file.length() / LATENTS;
      List<Explanation> paid = explain(cache, glossary, share + 30);
      assertThat(mean(paid)).isLessThan(60);
    }
  }

  private static List<Explanation> explain(LatentCache cache, Glossary glossary, int characters) {
    return new LexicalExplainer(
            LexicalConfig.defaults().withCharacters(characters).withThreads(1),
            new Lexicon(NAMES, glossary),
            decoder())
        .explain(cache, done -> {});
  }

  private static double mean(List<Explanation> texts) {
    return texts.stream().mapToInt(each -> each.text().length()).average().orElseThrow();
  }
}
