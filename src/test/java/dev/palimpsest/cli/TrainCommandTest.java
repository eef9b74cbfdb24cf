package dev.palimpsest.cli;

import static dev.palimpsest.cli.TrainRuns.lasting;
import static dev.palimpsest.cli.TrainRuns.metrics;
import static dev.palimpsest.cli.TrainRuns.options;
import static dev.palimpsest.cli.TrainRuns.palimpsest;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.cli.TrainRuns.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code train} and {@code eval} through the command line, on the embedded model. */
class TrainCommandTest {
  @TempDir static Path shared;
  @TempDir Path folder;

  private Path cache() {
    return shared.resolve("tokens");
  }

  private Outcome train(Path out, String... more) {
    return palimpsest(options(cache(), out, more));
  }

  @Test
  void severalHookpointsAndSeedsFromOnePass() throws IOException {
    Path out = folder.resolve("several");
    Outcome outcome = train(out, "--hookpoint", "layers.2", "layers.1", "--seed", "3", "4");
    assertThat(outcome.status()).as(outcome.err()).isZero();
    JsonNode json = outcome.json();
    assertThat(json.get("tokens").asLong()).isEqualTo(7200);
    assertThat(json.get("steps").asLong()).isEqualTo(24);
    assertThat(json.get("resumed_from_step").asLong()).isZero();
    assertThat(json.get("tokens_per_second").asDouble()).isPositive();
    assertThat(json.get("fvu").asDouble()).isBetween(0.0, 1.0);
    assertThat(json.get("ce_loss_score").asDouble()).isBetween(-1.0, 1.0);
    assertThat(json.get("dead_fraction").asDouble()).isBetween(0.0, 1.0);
    assertThat(json.get("coders")).hasSize(4);
    for (JsonNode coder : json.get("coders")) {
      assertThat(Path.of(coder.asText()).resolve("cfg.json")).exists();
      assertThat(Path.of(coder.asText()).resolve("sae.safetensors")).exists();
    }
    assertThat(out.resolve("coder/layers.1/seed4/sae.safetensors")).exists();
    assertThat(out.resolve("config.yaml")).exists();
    assertThat(out.resolve("environment.json")).exists();

    List<JsonNode> lines = metrics(out);
    assertThat(lines).hasSize(24);
    for (int i = 0; i < 24; i++) {
      assertThat(lines.get(i).get("step").asInt()).isEqualTo(i + 1);
      assertThat(lines.get(i).get("tokens").asInt()).isEqualTo(300 * (i + 1));
      assertThat(lines.get(i).get("coders")).hasSize(4);
      assertThat(lines.get(i).has("held_out_fvu")).isEqualTo((i + 1) % 8 == 0);
    }
    assertThat(lines.get(23).get("held_out_fvu").asDouble()).isEqualTo(json.get("fvu").asDouble());

    // A coder trained alone from the same seed is the same coder: nothing leaks between them.
    Path alone = folder.resolve("alone");
    assertThat(train(alone, "--hookpoint", "layers.1", "--seed", "3").status()).isZero();
    assertThat(alone.resolve("coder/layers.1/sae.safetensors"))
        .hasSameBinaryContentAs(out.resolve("coder/layers.1/seed3/sae.safetensors"));
  }

  @Test
  void interruptedRunsEndWithTheSameBytes() throws IOException {
    for (String optimizer : List.of("adam", "signum")) {
      String[] kind = {
        "--hookpoint", "layers.2.mlp", "--transcode", "--skip-connection", "--optimizer", optimizer
      };
      Path whole = folder.resolve("whole-" + optimizer);
      assertThat(train(whole, kind).status()).isZero();

      // What a kill after the 22nd step leaves: checkpoints of steps 15 and 20 and a longer log.
      Path cut = folder.resolve("cut-" + optimizer);
      copy(whole, cut);
      Files.delete(cut.resolve("training.json"));
      delete(cut.resolve("coder"));
      delete(cut.resolve("checkpoints/step-000000000024"));
      Outcome resumed = train(cut, kind);
      assertThat(resumed.status()).as(resumed.err()).isZero();
      assertThat(resumed.json().get("resumed_from_step").asLong()).isEqualTo(20);
      assertThat(lasting(cut)).isEqualTo(lasting(whole));

      Outcome again = train(cut, kind);
      assertThat(again.json().get("resumed_from_step").asLong()).isEqualTo(24);
      assertThat(again.json().get("fvu")).isEqualTo(resumed.json().get("fvu"));
      assertThat(lasting(cut)).isEqualTo(lasting(whole));
    }
  }

  @Test
  void otherSettingsNeedAnotherFolder() throws IOException {
    Path out = folder.resolve("run");
    assertThat(train(out, "--hookpoint", "layers.2").status()).isZero();
    var before = lasting(out);
    Outcome other = train(out, "--hookpoint", "layers.2", "--lr", "0.01");
    assertThat(other.status()).isEqualTo(2);
    assertThat(other.err()).contains("learning_rate").contains("--overwrite").hasLineCount(1);
    assertThat(lasting(out)).isEqualTo(before);
    Outcome overwritten = train(out, "--hookpoint", "layers.1", "--overwrite");
    assertThat(overwritten.status()).as(overwritten.err()).isZero();
    assertThat(out.resolve("coder/layers.2")).doesNotExist();
    assertThat(out.resolve("coder/layers.1/cfg.json")).exists();
  }

  @Test
  void evalNamesWhatUsersKnow() {
    Path out = folder.resolve("evaluated");
    String[] kind = {"--hookpoint", "layers.2.mlp", "--transcode"};
    Outcome trained = train(out, kind);
    assertThat(trained.status()).as(trained.err()).isZero();
    Outcome outcome =
        palimpsest(
            "eval",
            out.resolve("coder/layers.2.mlp").toString(),
            "--model",
            "embedded",
            "--data",
            "embedded",
            "--tokens",
            "640",
            "--ctx-len",
            "64",
            "--threads",
            "1",
            "--token-cache",
            cache().toString(),
            "--json");
    assertThat(outcome.status()).as(outcome.err()).isZero();
    JsonNode json = outcome.json();
    for (String name :
        List.of(
            "ce_loss_score",
            "ce_loss_without_sae",
            "ce_loss_with_sae",
            "ce_loss_with_ablation",
            "kl_div_score",
            "kl_div_with_sae",
            "kl_div_with_ablation",
            "explained_variance",
            "fvu",
            "l0",
            "frac_alive")) {
      assertThat(json.get(name).isNumber()).as(name).isTrue();
    }
    assertThat(json.get("feature_density").get("median").isNumber()).isTrue();
    assertThat(json.get("fvu")).isEqualTo(trained.json().get("fvu"));
    assertThat(json.get("ce_loss_score")).isEqualTo(trained.json().get("ce_loss_score"));
  }

  @Test
  void mistakesAreOneLineAndLeaveNothing() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "in the way");
    Path empty = Files.createFile(folder.resolve("empty.txt"));
    Path out = folder.resolve("none");
    fails(2, "layers.7.mlp", out, "--hookpoint", "layers.7.mlp");
    fails(2, "k", out, "--hookpoint", "layers.2", "--k", "257");
    fails(2, "groupmax", out, "--hookpoint", "layers.2", "--activation", "groupmax", "--k", "7");
    fails(2, "--lr", out, "--hookpoint", "layers.2", "--lr", "fast");
    fails(2, "twice", out, "--hookpoint", "layers.2", "layers.2");
    fails(2, "--hookpoint", out);
    fails(2, "--tokens", out, "--hookpoint", "layers.2", "--tokens", "200");
    fails(2, "expected 300 to", out, "--hookpoint", "layers.2", "--tokens", "200");
    fails(2, "--batch-tokens", out, "--hookpoint", "layers.2", "--batch-tokens", "2e9");
    fails(2, "--eval-tokens", out, "--hookpoint", "layers.2", "--eval-tokens", "0");
    fails(2, "--checkpoint-every", out, "--hookpoint", "layers.2", "--checkpoint-every", "-1");
    fails(1, "no text", out, "--hookpoint", "layers.2", "--data", empty.toString());
    fails(2, "no such text file", out, "--hookpoint", "layers.2", "--data", "nowhere.txt");
    fails(1, "cannot write", file.resolve("run"), "--hookpoint", "layers.2");
    assertThat(file).hasContent("in the way");
  }

  private void fails(int status, String part, Path out, String... more) {
    Outcome outcome = train(out, more);
    assertThat(outcome.status()).as(outcome.err()).isEqualTo(status);
    assertThat(outcome.err()).contains(part).hasLineCount(1);
    assertThat(outcome.out()).isEmpty();
    assertThat(Files.exists(out)).as("%s exists", out).isFalse();
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> all = Files.walk(from)) {
      for (Path path : all.toList()) {
        Files.copy(path, to.resolve(from.relativize(path).toString()));
      }
    }
  }

  private static void delete(Path path) throws IOException {
    try (Stream<Path> all = Files.walk(path)) {
      for (Path each : all.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    }
  }
}
