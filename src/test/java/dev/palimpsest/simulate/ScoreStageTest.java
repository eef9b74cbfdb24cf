package dev.palimpsest.simulate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.explain.Explanation;
import dev.palimpsest.latents.LatentCache;
import dev.palimpsest.latents.SyntheticCache;
import dev.palimpsest.lexical.LexicalSimulator;
import dev.palimpsest.lexical.TestVocabulary;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScoreStageTest {
  private static final int CAT = TestVocabulary.id(" cat");

  @Test
  void rightTextsScoreHighWrongOnesAtChance(@TempDir Path folder) {
    List<int[]> rows = SyntheticCache.rows(300, 64, TestVocabulary.NAMES.size(), 4);
    SyntheticCache.write(folder, rows, 4, 100, (latent, row, p) -> row[p] == CAT ? 2 : 0);
    Simulator simulator =
        new LexicalSimulator(
            4,
            List.of(
                new Explanation(0, "Fires on cat 9; starts at -4.", "test"),
                new Explanation(1, "Fires on dog 9; starts at -4.", "test"),
                new Explanation(2, "Starts at 3.", "test")),
            TestVocabulary.NAMES);
    Path file = folder.resolve("scores.jsonl");
    ScoreStage.Result result;
    try (LatentCache cache = LatentCache.open(folder)) {
      result = ScoreStage.run(simulator, cache, ScoreConfig.defaults(), file);
    }
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
