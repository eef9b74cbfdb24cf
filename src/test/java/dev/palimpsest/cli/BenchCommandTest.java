package dev.palimpsest.cli;

import static dev.palimpsest.cli.TrainRuns.palimpsest;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.cli.TrainRuns.Outcome;
import dev.palimpsest.kernels.CoderKernels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code palimpsest bench} and its parts through the command line, on tiny problems. */
class BenchCommandTest {
  @TempDir private Path folder;

  @AfterEach
  void asBefore() {
    CoderKernels.cpu().setThreads(0);
    CoderKernels.cpu().setInstructionSet("");
  }

  private Path model() {
    Path model = folder.resolve("model");
    Outcome made =
        palimpsest(
            "bench",
            "make-model",
            model.toString(),
            "--layers",
            "3",
            "--d",
            "32",
            "--heads",
            "2",
            "--tokens",
            "20000");
    assertThat(made.err()).isEmpty();
    assertThat(made.status()).isZero();
    return model;
  }

  @Test
  void timesTrainingEndToEndOnAMadeModel() throws IOException {
    Path model = model();
    assertThat(Files.size(model.resolve("tokens.bin"))).isEqualTo(40_000);
    Outcome outcome =
        palimpsest(
            "bench",
            "end-to-end",
            "--model",
            model.toString(),
            "--hookpoint",
            "layers.1.mlp",
            "--latents",
            "128",
            "--k",
            "4",
            "--batch",
            "64",
            "--ctx-len",
            "32",
            "--threads",
            "1",
            "--repetitions",
            "2",
            "--precision",
            "bf16",
            "--quiet",
            "--json");
    assertThat(outcome.err()).isEmpty();
    JsonNode report = outcome.json();
    assertThat(report.at("/shape/width").asInt()).isEqualTo(32);
    assertThat(report.get("layers").asInt()).isEqualTo(3);
    assertThat(report.get("precision").asText()).isEqualTo("bf16");
    assertThat(report.get("tokens_per_second").asDouble()).isPositive();
    assertThat(report.get("eager_over_step").asDouble()).isPositive();
    assertThat(report.get("forward_share").asDouble()).isStrictlyBetween(0.0, 1.0);
    assertThat(report.get("step_ms").asDouble())
        .isGreaterThanOrEqualTo(report.get("update_ms").asDouble());
  }

  @Test
  void trainsAndTimesACoderOfAMadeModel() {
    Path model = model();
    String tokens = model.resolve("tokens.bin").toString();
    Path out = folder.resolve("run");
    Outcome trained =
        palimpsest(
            "train",
            model.toString(),
            "--data",
            tokens,
            "--hookpoint",
            "layers.1.mlp",
            "--transcode",
            "--skip-connection",
            "--num-latents",
            "128",
            "--k",
            "4",
            "--tokens",
            "2048",
            "--batch-tokens",
            "256",
            "--ctx-len",
            "64",
            "--eval-tokens",
            "128",
            "--threads",
            "1",
            "--token-cache",
            folder.resolve("cache").toString(),
            "--out",
            out.toString(),
            "--quiet");
    assertThat(trained.status()).as(trained.err()).isZero();
    Outcome outcome =
        palimpsest(
            "bench",
            "--coder",
            out.resolve("coder/layers.1.mlp").toString(),
            "--model",
            model.toString(),
            "--data",
            tokens,
            "--token-cache",
            folder.resolve("cache").toString(),
            "--batch",
            "100",
            "--threads",
            "1",
            "--repetitions",
            "2",
            "--quiet",
            "--json");
    assertThat(outcome.json().get("data").asText()).isEqualTo("trained coder of layers.1.mlp");
  }

  @Test
  void timesTheInstructionsAskedFor() {
    String[] tiny = {
      "bench",
      "--d",
      "16",
      "--latents",
      "64",
      "--k",
      "4",
      "--batch",
      "32",
      "--threads",
      "1",
      "--repetitions",
      "1",
      "--quiet",
      "--json",
      "--instructions"
    };
    String[] portable = Arrays.copyOf(tiny, tiny.length + 1);
    portable[tiny.length] = "portable";
    assertThat(palimpsest(portable).json().at("/environment/libraries/kernels").asText())
        .startsWith("cpu portable");
    portable[tiny.length] = "sse9";
    Outcome unknown = palimpsest(portable);
    assertThat(unknown.status()).isNotZero();
    assertThat(unknown.err())
        .contains("expected portable, avx2, avx512, avx512vnni, avx512bf16, amx");
  }

  @Test
  void refusesABatchThatIsNoMultipleOfTheContext() {
    Outcome outcome =
        palimpsest(
            "bench",
            "end-to-end",
            "--model",
            model().toString(),
            "--hookpoint",
            "layers.1.mlp",
            "--batch",
            "100",
            "--ctx-len",
            "32");
    assertThat(outcome.status()).isEqualTo(2);
    assertThat(outcome.err())
        .contains("a batch of 100 tokens is no multiple of the context length");
  }

  @Test
  void refusesSizesBesideATrainedCoder() {
    Outcome outcome = palimpsest("bench", "--coder", folder.toString(), "--latents", "8");
    assertThat(outcome.status()).isEqualTo(2);
    assertThat(outcome.err()).contains("--coder brings its own width, latents and k");
  }
}
