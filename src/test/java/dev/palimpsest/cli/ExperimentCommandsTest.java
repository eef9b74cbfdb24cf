package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.Json;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The demo's road from end to end through the command line, on very little of everything. */
class ExperimentCommandsTest {
  private static final List<String> TINY =
      List.of(
          "--threads=1",
          "--set=train.tokens=24576",
          "--set=cache.tokens=8192",
          "--set=score.tokens=4096",
          "--set=simulate.calibration_tokens=4096",
          "--set=rewrite.all_tokens.windows=6",
          "--set=rewrite.last_token.windows=24",
          "--set=rewrite.resamples=50",
          "--set=report.latents=3");

  @TempDir Path folder;

  private record Outcome(int exit, String out, String err) {}

  private static Outcome run(List<String> arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int exit =
        Palimpsest.run(
            new PrintWriter(out, true),
            new PrintWriter(err, true),
            arguments.toArray(String[]::new));
    return new Outcome(exit, out.toString(), err.toString());
  }

  private Outcome demo(Path run, String... more) {
    List<String> arguments =
        new ArrayList<>(List.of("demo", "--short", "--out", run.toString(), "--json"));
    arguments.addAll(TINY);
    arguments.addAll(List.of(more));
    return run(arguments);
  }

  @Test
  void theDemoLeavesEverythingAndIsNotDoneTwice() throws IOException {
    Path run = folder.resolve("run");

    Outcome first = demo(run);

    assertThat(first.exit()).as(first.err()).isZero();
    assertThat(Json.MAPPER.readTree(first.out()).path("report").asText())
        .isEqualTo(run.resolve("report.html").toString());
    JsonNode result = Json.read(run.resolve("rewrite.json"), JsonNode.class);
    assertThat(result.path("hookpoint").asText()).isEqualTo("layers.2.mlp");
    assertThat(result.path("protocol").asText()).isEqualTo("all-tokens");
    assertThat(result.path("baselines").fieldNames())
        .toIterable()
        .containsExactlyInAnyOrder(
            "unspliced",
            "transcoder",
            "zero_latents",
            "zero_output",
            "mean_output",
            "mean_latents",
            "random_latents",
            "shuffled_explanations",
            "shuffled_explanations_unrefitted");
    assertThat(result.path("rewrites").get(0).fieldNames())
        .toIterable()
        .contains(
            "simulator",
            "calibration",
            "selection",
            "fraction",
            "reselect",
            "ce",
            "ce_delta_mean",
            "ce_delta_ci95",
            "ce_delta_median",
            "kl",
            "loss_recovered",
            "loss_recovered_ci95",
            "p_vs_zero_latents",
            "ce_zero_same",
            "p_vs_zero_same");
    assertThat(run.resolve("rewrites/layers.2.mlp.last-token.json")).exists();

    FileTime coder = Files.getLastModifiedTime(run.resolve("coder/layers.2.mlp/sae.safetensors"));
    FileTime losses = Files.getLastModifiedTime(run.resolve("rewrite.json"));
    Outcome second = demo(run);

    assertThat(second.exit()).as(second.err()).isZero();
    assertThat(second.err()).contains("✓ rewrite.layers.2.mlp.all-tokens (done before");
    assertThat(Files.getLastModifiedTime(run.resolve("rewrite.json"))).isEqualTo(losses);

    editAnExplanation(run.resolve("explanations/layers.2.mlp.jsonl"));
    Outcome third = demo(run);

    assertThat(third.exit()).as(third.err()).isZero();
    assertThat(third.err()).contains("✓ explain.layers.2.mlp (done before");
    assertThat(third.err()).contains("▸ simulate.layers.2.mlp");
    assertThat(Files.getLastModifiedTime(run.resolve("coder/layers.2.mlp/sae.safetensors")))
        .isEqualTo(coder);
  }

  private static void editAnExplanation(Path file) throws IOException {
    List<String> lines = new ArrayList<>(Files.readAllLines(file));
    lines.remove(0);
    Files.write(file, lines);
  }

  @Test
  void aStageWhoseBasisIsMissingSaysWhatToRunFirst() {
    Path run = folder.resolve("run");
    Outcome trained =
        run(
            List.of(
                "train",
                "embedded",
                "--hookpoint",
                "layers.2.mlp",
                "--num-latents=32",
                "--k=2",
                "--tokens=2048",
                "--batch-tokens=1024",
                "--ctx-len=64",
                "--threads=1",
                "--quiet",
                "--out",
                run.toString()));
    assertThat(trained.exit()).as(trained.err()).isZero();

    Outcome explained = run(List.of("explain", run.toString()));

    assertThat(explained.exit()).isEqualTo(1);
    assertThat(explained.err()).contains("the stage 'cache' of layers.2.mlp is not done yet");
  }

  @Test
  void unknownSettingsAreNamed() {
    Outcome outcome = run(List.of("demo", "--set", "train.tokenz=5", "--out", folder.toString()));

    assertThat(outcome.exit()).isEqualTo(2);
    assertThat(outcome.err()).contains("unknown setting 'train.tokenz'");
  }

  @Test
  void theBenchTakesItsShapeFromOptions() throws IOException {
    Outcome outcome =
        run(
            List.of(
                "bench",
                "--d=32",
                "--latents=128",
                "--k=4",
                "--batch=16",
                "--threads=1",
                "--repetitions=1",
                "--json"));

    assertThat(outcome.exit()).as(outcome.err()).isZero();
    JsonNode shape = Json.MAPPER.readTree(outcome.out()).path("shape");
    assertThat(shape.path("latents").asInt()).isEqualTo(128);
  }
}
