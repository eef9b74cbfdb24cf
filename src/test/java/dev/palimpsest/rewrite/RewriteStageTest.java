package dev.palimpsest.rewrite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.Progress;
import dev.palimpsest.results.Protocol;
import dev.palimpsest.results.RewriteConfig;
import dev.palimpsest.results.RewriteResult;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.safetensors.SafeTensors;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the stage leaves in a run directory. */
class RewriteStageTest {
  @Test
  void leavesTheTableAndTheLossesBehindIt(@TempDir Path run) throws Exception {
    try (RewriteFixture fixture = new RewriteFixture("gpt_neox", "layers.1.mlp", true, true)) {
      RewriteConfig config =
          RewriteFixture.config(Protocol.LAST_TOKEN, 12, List.of("quantile", "conditional-mean"));
      RewriteInputs inputs =
          fixture.inputs(
              RewriteFixture.text(30, 13, 3),
              RewriteFixture.predictors(),
              RewriteFixture.shuffled());
      Path file = new RunDirectory(run).rewrite("layers.1.mlp", "last-token");
      RewriteResult result = RewriteStage.run(inputs, config, file, "identity", Progress.SILENT);
      assertThat(RewriteStage.read(file)).isEqualTo(result);
      assertThat(result.tokens()).isEqualTo(result.windows());
      JsonNode json = Json.MAPPER.readTree(Files.readString(file));
      assertThat(json.path("baselines").fieldNames())
          .toIterable()
          .containsExactly(
              "unspliced",
              "transcoder",
              "zero_latents",
              "zero_output",
              "mean_output",
              "mean_latents",
              "random_latents",
              "shuffled_explanations",
              "shuffled_explanations_unrefitted",
              "shuffled_explanations_joint",
              "paraphrased_explanations");
      assertThat(json.path("rewrites")).hasSize(2 * 2 * 3 * 2);
      Path losses = RewriteStage.lossesFile(file);
      try (SafeTensors tensors = SafeTensors.open(losses)) {
        String[] variants =
            Json.MAPPER.readValue(
                Objects.requireNonNull(tensors.metadata().get("variants")), String[].class);
        float[] ce = tensors.floats("ce");
        int windows = result.windows();
        assertThat(ce).hasSize(variants.length * windows);
        assertThat(variants[1]).isEqualTo(RewriteResult.TRANSCODER);
        double sum = 0;
        for (int w = 0; w < windows; w++) {
          sum += ce[windows + w];
        }
        assertThat(sum / windows)
            .isCloseTo(
                Objects.requireNonNull(result.baselines().get(RewriteResult.TRANSCODER))
                    .ce()
                    .orElseThrow(),
                within(1e-6));
        assertThat(tensors.longs("window")).hasSize(windows).isSorted();
        assertThat(tensors.longs("document"))
            .containsExactly(
                java.util.Arrays.stream(tensors.longs("window")).map(w -> w / 2).toArray());
      }
    }
  }
}
