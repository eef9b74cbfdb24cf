package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.Json;
import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelSource;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A coder none of whose latents ever fires goes all the way to the report. */
class DeadCoderTest {
  private static final int LATENTS = 64;

  @TempDir Path folder;

  @Test
  void isRewrittenAsSilence() throws Exception {
    Path coder = folder.resolve("dead");
    try (LanguageModel model = LanguageModel.load(ModelSource.resolve("embedded"));
        SparseCoder dead =
            SparseCoder.initialise(
                CoderConfig.transcoder(model.config().width(), LATENTS, 8, true), 5)) {
      float[] bias = new float[LATENTS];
      Arrays.fill(bias, -1e6f);
      dead.device().memory().put(bias, dead.encoderBias(), LATENTS);
      dead.refresh();
      dead.save(coder);
    }
    Path experiment =
        Files.writeString(
            folder.resolve("dead.yaml"),
            """
            name: dead
            model: embedded
            coders:
              - {hookpoint: layers.2.mlp, transcode: true, skip_connection: true, num_latents: 64, k: 8, path: %s}
            cache: {tokens: 4096, context_length: 64}
            score: {tokens: 2048}
            simulate: {calibration_tokens: 2048}
            rewrite:
              calibrations: [none, quantile, conditional-mean]
              fractions: [0.1, 1.0]
              all_tokens: {context_length: 64, windows: 6}
              last_token: {windows: 20}
              resamples: 50
            report: {latents: 3}
            """
                .formatted(coder));
    Path run = folder.resolve("run");
    StringWriter err = new StringWriter();
    int exit =
        Palimpsest.run(
            new PrintWriter(new StringWriter(), true),
            new PrintWriter(err, true),
            "run",
            experiment.toString(),
            "--out",
            run.toString());
    assertThat(exit).as(err.toString()).isZero();
    assertThat(run.resolve("report.html")).exists();
    JsonNode result = Json.read(run.resolve("rewrite.json"), JsonNode.class);
    double zero = result.path("baselines").path("zero_latents").path("ce").asDouble();
    assertThat(zero).isPositive();
    assertThat(result.path("rewrites")).isNotEmpty();
    for (JsonNode rewrite : result.path("rewrites")) {
      assertThat(rewrite.path("ce").asDouble()).isEqualTo(zero);
      assertThat(rewrite.path("loss_recovered").isNull()).isTrue();
    }
  }
}
