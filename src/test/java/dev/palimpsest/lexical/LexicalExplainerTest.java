package dev.palimpsest.lexical;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Progress;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.explain.ExplanationStore;
import dev.palimpsest.latents.LatentCache;
import dev.palimpsest.latents.SyntheticCache;
import dev.palimpsest.text.TokenNames;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LexicalExplainerTest {
  private static final int VOCABULARY = 40;
  private static final TokenNames NAMES =
      TokenNames.of(
          VOCABULARY,
          id -> id == 0 ? "<|endoftext|>" : " " + (char) ('a' + id % 26) + (id >= 26 ? "x" : ""),
          OptionalInt.of(0));
  private static final Lexicon LEXICON = new Lexicon(NAMES, Glossary.none());

  @TempDir private Path folder;

  /**
   * Latent 0 fires on c; 1 on d after e; 2 on any token within four of f; 3 never; 4 weakly on c
   * and strongly on g; 5 now and then for no reason.
   */
  private static float truth(int latent, int[] row, int p) {
    return switch (latent) {
      case 0 -> row[p] == 2 ? 3 : 0;
      case 1 -> row[p] == 3 && p > 0 && row[p - 1] == 4 ? 5 : 0;
      case 2 -> {
        for (int q = Math.max(0, p - 4); q < p; q++) {
          if (row[q] == 5) {
            yield 2;
          }
        }
        yield 0;
      }
      case 4 -> row[p] == 2 ? 1 : row[p] == 6 ? 8 : 0;
      case 5 -> Math.floorMod(row[p] * 31 + p * 17 + (p > 0 ? row[p - 1] : 0) * 7, 97) == 0 ? 1 : 0;
      default -> 0;
    };
  }

  @BeforeEach
  void cache() {
    SyntheticCache.write(
        folder, SyntheticCache.rows(400, 32, VOCABULARY, 2), 6, 50, LexicalExplainerTest::truth);
  }

  private List<Explanation> explain(int threads, int characters) {
    LexicalConfig config = LexicalConfig.defaults().withCharacters(characters).withThreads(threads);
    try (LatentCache cache = LatentCache.open(folder)) {
      return new LexicalExplainer(config, LEXICON, DecoderRows.unknown())
          .explain(cache, done -> {});
    }
  }

  @Test
  void findsWhatMakesALatentFire() {
    List<Explanation> explanations = explain(2, 400);
    assertThat(explanations).extracting(Explanation::latent).containsExactly(0, 1, 2, 4, 5);
    assertThat(explanations.get(0).text()).containsPattern("^Fires fully on [^;.]*\\bc\\b");
    assertThat(explanations.get(1).text()).contains("e d");
    assertThat(explanations.get(2).text()).contains("near f");
    assertThat(explanations.get(3).text()).contains(" g", " c");
    Scorecard both = Reading.of(explanations.get(3).text(), LEXICON).card();
    assertThat(Scorecard.rating(points(both, 2))).isBetween(0.7f, 2.2f);
    assertThat(Scorecard.rating(points(both, 6))).isGreaterThan(7.5f);
  }

  private static int points(Scorecard card, int token) {
    return EnglishTest.points(card, true).getOrDefault(Pattern.Sequence.of(0, token), -9);
  }

  @Test
  void keepsToItsBudget() {
    for (int budget : new int[] {20, 60, 150, 400}) {
      List<Explanation> explanations = explain(2, budget);
      assertThat(explanations).allMatch(each -> each.text().length() <= 2 * budget);
      int total = explanations.stream().mapToInt(each -> each.text().length()).sum();
      assertThat(total).isLessThan((int) (1.15 * budget * explanations.size()));
    }
  }

  @Test
  void theNumberOfThreadsLeavesNoTrace() {
    assertThat(explain(3, 200)).isEqualTo(explain(1, 200));
  }

  /** So a stage that was killed goes on behind what it has kept, and ends with the same texts. */
  @Test
  void whatIsSaidDoesNotDependOnWhatIsAskedTogether() {
    LexicalConfig config = LexicalConfig.defaults().withCharacters(200).withThreads(2);
    try (LatentCache cache = LatentCache.open(folder)) {
      List<Explanation> pieces = new ArrayList<>();
      for (int[] piece : new int[][] {{0, 2}, {2, 3}, {3, 6}}) {
        pieces.addAll(
            new LexicalExplainer(config, LEXICON, DecoderRows.unknown())
                .begin(cache, Progress.SILENT)
                .explain(piece[0], piece[1], done -> {}));
      }
      assertThat(pieces).isEqualTo(explain(1, 200));
    }
  }

  @Test
  void editedTextsAreReadBack() throws Exception {
    Path file = folder.resolve("explanations.jsonl");
    List<Explanation> explanations = new ArrayList<>(explain(2, 100));
    ExplanationStore.write(file, explanations);
    assertThat(ExplanationStore.read(file)).isEqualTo(explanations);
    String edited =
        Files.readString(file).replaceFirst("\"text\":\"[^\"]*\"", "\"text\":\"Mine.\"");
    Files.writeString(file, "\n" + edited);
    assertThat(ExplanationStore.read(file).get(0).text()).isEqualTo("Mine.");
    Files.writeString(file, edited + edited);
    assertThatThrownBy(() -> ExplanationStore.read(file))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("line 6: latent 0 is explained twice, in line 1 too");
    Files.writeString(file, "{\"latent\": 3}");
    assertThatThrownBy(() -> ExplanationStore.read(file))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("line 1");
  }
}
