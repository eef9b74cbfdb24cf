package dev.palimpsest.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.Progress;
import dev.palimpsest.latents.Keeping;
import dev.palimpsest.latents.LatentCache;
import dev.palimpsest.latents.StageJournal;
import dev.palimpsest.latents.SyntheticCache;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A stage that was stopped asks for no latent again that it has kept. */
class ExplainStageTest {
  private static final int LATENTS = 600;

  @TempDir Path folder;

  /** Explains every even latent; stops at one. */
  private record Fickle(List<Integer> asked, int stopsAt) implements Explainer {
    @Override
    public String name() {
      return "fickle";
    }

    @Override
    public Work begin(LatentCache cache, Progress told) {
      return (from, to, progress) -> {
        asked.add(from);
        if (from <= stopsAt && stopsAt < to) {
          throw new IllegalStateException("stopped");
        }
        return IntStream.range(from, to)
            .filter(latent -> latent % 2 == 0)
            .mapToObj(latent -> new Explanation(latent, "text \u2603 " + latent, "fickle"))
            .toList();
      };
    }
  }

  @Test
  void whatWasKeptIsNotAskedAgain() {
    SyntheticCache.write(
        folder.resolve("cache"),
        SyntheticCache.rows(2, 8, 6, 1),
        LATENTS,
        1,
        (latent, row, p) -> 1);
    Path file = folder.resolve("explanations.jsonl");
    Map<String, String> source = Map.of("explainer", "fickle");
    List<Integer> asked = new ArrayList<>();
    try (LatentCache cache = LatentCache.open(folder.resolve("cache"))) {
      assertThatThrownBy(
              () -> {
                try (StageJournal journal =
                    new StageJournal(folder.resolve(".explanations.jsonl.building"), source)) {
                  ExplainStage.explain(
                      cache,
                      new Fickle(asked, 400),
                      journal,
                      Keeping.always(),
                      "",
                      Progress.SILENT);
                }
              })
          .hasMessage("stopped");
      assertThat(asked).containsExactly(0, 256);
      assertThat(file).doesNotExist();
      asked.clear();
      ExplainStage.run(cache, new Fickle(asked, -1), source, file, "", Progress.SILENT);
      assertThat(asked).containsExactly(256, 512);
      assertThat(ExplanationStore.read(file))
          .extracting(Explanation::latent)
          .containsExactlyElementsOf(IntStream.range(0, LATENTS / 2).mapToObj(i -> 2 * i).toList());
      assertThat(folder.resolve(".explanations.jsonl.building")).doesNotExist();
      asked.clear();
      ExplainStage.run(
          cache, new Fickle(asked, -1), Map.of("explainer", "other"), file, "", Progress.SILENT);
      assertThat(asked).containsExactly(0, 256, 512);
    }
  }
}
