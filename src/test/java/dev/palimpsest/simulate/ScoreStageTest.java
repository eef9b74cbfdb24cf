package dev.palimpsest.simulate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.latents.LatentCache;
import dev.palimpsest.latents.SyntheticCache;
import dev.palimpsest.lexical.LexicalSimulator;
import dev.palimpsest.lexical.TestVocabulary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScoreStageTest {
  private static final int CAT = TestVocabulary.id(" cat");

  private static final List<Explanation> TEXTS =
      List.of(
          new Explanation(0, "Strong on cat. Else rare.", "test"),
          new Explanation(1, "Strong on dog. Else rare.", "test"),
          new Explanation(2, "Starts at 3.", "test"));

  private static ScoreStage.Result score(Path folder, int latentsAtOnce) {
    try (LatentCache cache = LatentCache.open(folder)) {
      return ScoreStage.run(
          TEXTS,
          some -> new LexicalSimulator(4, some, TestVocabulary.LEXICON),
          cache,
          ScoreConfig.defaults(),
          Map.of(),
          folder.resolve("scores.jsonl"),
          done -> {},
          latentsAtOnce);
    }
  }

  private static void cache(Path folder) {
    List<int[]> rows = SyntheticCache.rows(300, 64, TestVocabulary.NAMES.size(), 4);
    SyntheticCache.write(folder, rows, 4, 100, (latent, row, p) -> row[p] == CAT ? 2 : 0);
  }

  @Test
  void latentsAreScoredAloneAsTogetherAndAfterAStop(@TempDir Path folder) throws IOException {
    cache(folder);
    score(folder, 4096);
    byte[] together = Files.readAllBytes(folder.resolve("scores.jsonl"));
    score(folder, 1);
    assertThat(Files.readAllBytes(folder.resolve("scores.jsonl"))).isEqualTo(together);
    int[] asked = {0};
    try (LatentCache cache = LatentCache.open(folder)) {
      for (int attempt = 0; attempt < 3; attempt++) {
        try {
          ScoreStage.run(
              TEXTS,
              some -> {
                asked[0]++;
                if (asked[0] == 2) {
                  throw new IllegalStateException("stopped");
                }
                return new LexicalSimulator(4, some, TestVocabulary.LEXICON);
              },
              cache,
              ScoreConfig.defaults(),
              Map.of(),
              folder.resolve("again.jsonl"),
              done -> {},
              1);
        } catch (IllegalStateException stopped) {
          assertThat(stopped).hasMessage("stopped");
        }
      }
    }
    // Four latents, one of them twice; and all four again for the finished stage's repetition.
    assertThat(asked[0]).isEqualTo(5 + 4);
    assertThat(Files.readAllBytes(folder.resolve("again.jsonl"))).isEqualTo(together);
  }

  @Test
  void scoresThatAreNoneAreRefused(@TempDir Path folder) throws IOException {
    cache(folder);
    score(folder, 4096);
    Path file = folder.resolve("scores.jsonl");
    List<String> lines = Files.readAllLines(file);
    for (String bad :
        List.of(
            "null",
            "{}",
            "[]",
            "",
            lines.get(1).replace("\"latent\":1", "\"latent\":0"),
            lines.get(1).replaceFirst("balanced_accuracy\":[0-9.]+", "balanced_accuracy\":7"))) {
      Files.write(file, List.of(lines.get(0), bad, lines.get(2)));
      Assertions.assertThatThrownBy(() -> ScoreStore.read(file))
          .as(bad)
          .isInstanceOf(PalimpsestException.class)
          .hasMessageContaining("scores.jsonl line 2");
    }
  }

  @Test
  void rightTextsScoreHighWrongOnesAtChance(@TempDir Path folder) {
    cache(folder);
    Path file = folder.resolve("scores.jsonl");
    ScoreStage.Result result = score(folder, 4096);
    assertThat(result.scored()).isEqualTo(3);
    List<LatentScore> scores = ScoreStore.read(file);
    assertThat(scores.get(0).balancedAccuracy()).isEqualTo(1);
    assertThat(scores.get(0).correlation()).isGreaterThan(0.99);
    assertThat(scores.get(0).activating()).isEqualTo(100);
    assertThat(scores.get(0).silent()).isEqualTo(100);
    assertThat(scores.get(1).balancedAccuracy()).isBetween(0.35, 0.65);
    assertThat(scores.get(2).balancedAccuracy()).isEqualTo(0.5);
    assertThat(ScoreStore.balancedAccuracy(scores, 4)[3]).isNaN();
  }
}
