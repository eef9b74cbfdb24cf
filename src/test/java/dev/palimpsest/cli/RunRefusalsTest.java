package dev.palimpsest.cli;

import static dev.palimpsest.cli.MiniRun.done;
import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.cli.TrainRuns.Outcome;
import dev.palimpsest.run.RunLock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A command writes nothing before everything it was told has been found good. */
final class RunRefusalsTest {
  @TempDir private static Path shared;
  private static MiniRun base;

  @TempDir private Path folder;

  @BeforeAll
  static void runOnce() throws IOException {
    base = MiniRun.in(shared.resolve("base"));
    Outcome first = base.everything();
    assertThat(first.status()).as(first.err()).isZero();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "model=/nope",
        "model=embedded2",
        "data.files=[/nope.jsonl]",
        "data.files=[embedded]",
        "data.text_key=story",
        "seed=5",
        "rewrite.fractions=[50]",
        "rewrite.selections=[worst]",
        "rewrite.calibrations=[perfect]",
        "rewrite.resamples=0",
        "coders=[]",
        "coders=[{hookpoint: layers.0.mlp}]",
        "coders=[{hookpoint: layers.99.mlp}]",
        "coders=[{hookpoint: ../../x}]",
        "coders=[{hookpoint: /tmp/x, path: /tmp}]",
        "explain.explainer=llm",
        "explain.max_characters=0",
        "train.tokens=99999",
        "train.seeds=[1,2]",
        "train.lr=fast",
        "cache.tokens=0",
        "cache.context_length=1",
        "score.windows=0",
        "simulate.calibration_tokens=0",
        "report.latents=-1",
        "device=gpu",
        "precision=fp8"
      })
  void aSingleStageKeepsItsSettingsWhenOneIsRefused(String setting) throws IOException {
    String before = base.config();
    String inputs = Files.readString(base.file("stages/inputs.json"));

    Outcome refused = base.stage("rewrite", "--set", setting);

    assertThat(refused.status()).as(refused.err()).isIn(1, 2);
    assertThat(refused.err().lines().filter(line -> line.startsWith("palimpsest: "))).hasSize(1);
    assertThat(refused.err()).doesNotContain("unexpected").doesNotContain("--overwrite");
    assertThat(base.config()).isEqualTo(before);
    assertThat(Files.readString(base.file("stages/inputs.json"))).isEqualTo(inputs);
  }

  @Test
  void theRunGoesOnAfterARefusal() {
    base.stage("rewrite", "--seed=5");
    Outcome after = base.stage("rewrite");
    assertThat(after.status()).as(after.err()).isZero();
    assertThat(done(after)).isEmpty();
  }

  @Test
  void anotherExperimentIsRefusedAndNamesWhatDiffers() throws IOException {
    String before = base.config();
    Path other = folder.resolve("other.yaml");
    Files.writeString(other, Files.readString(base.yaml()).replace("tokens: 6144", "tokens: 4096"));

    Outcome refused = TrainRuns.palimpsest("run", other.toString(), "--out", base.run().toString());

    assertThat(refused.status()).isEqualTo(2);
    assertThat(refused.err())
        .contains("train.tokens was 6144, is 4096")
        .contains("choose another --out, or start anew with --force");
    assertThat(base.config()).isEqualTo(before);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "rewrite.fractions=[50]",
        "explain.explainer=llm",
        "train.lr=fast",
        "coders=[{hookpoint: ../../x, num_latents: 32, k: 4}]",
        "coders=[{hookpoint: layers.2.mlp, path: /nope}]",
        "score.tokens=-5"
      })
  void aWrongValueIsFoundBeforeAnythingIsMade(String setting) throws IOException {
    Path out = folder.resolve("new");
    Outcome refused =
        TrainRuns.palimpsest(
            "run", base.yaml().toString(), "--out", out.toString(), "--set", setting);
    assertThat(refused.status()).as(refused.err()).isIn(1, 2);
    assertThat(out).doesNotExist();
    try (var beside = Files.list(folder)) {
      assertThat(beside).isEmpty();
    }
  }

  @Test
  void aRunDirectoryIsAFolder() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "a person's");
    for (String out : List.of(file.toString(), "/dev/null")) {
      Outcome refused = TrainRuns.palimpsest("run", base.yaml().toString(), "--out", out);
      assertThat(refused.status()).isEqualTo(2);
      assertThat(refused.err()).contains(out + " is no folder");
    }
    assertThat(file).hasContent("a person's");
  }

  @Test
  void twoCommandsAtOnceAreOneTooMany() {
    try (RunLock held = RunLock.of(base.run())) {
      for (String stage : List.of("rewrite", "report")) {
        Outcome second = CompletableFuture.supplyAsync(() -> base.stage(stage)).join();
        assertThat(second.status()).isEqualTo(1);
        assertThat(second.err())
            .contains(base.run() + " is in use by another command, process")
            .contains(Long.toString(ProcessHandle.current().pid()));
      }
    }
  }

  @Test
  void forceMendsADamagedCache() throws IOException {
    MiniRun mini = base.copy(folder.resolve("damaged"));
    Path cache = mini.file("latents/" + MiniRun.HOOKPOINT);
    List<Path> files;
    try (var inside = Files.list(cache)) {
      files = inside.filter(file -> file.toString().endsWith(".safetensors")).sorted().toList();
    }
    byte[] whole = Files.readAllBytes(files.get(0));
    MiniRun.flip(files.get(0), 3);

    Outcome forced = mini.stage("cache", "--force");

    assertThat(forced.status()).as(forced.err()).isZero();
    assertThat(files.get(0)).hasBinaryContent(whole);
    assertThat(done(mini.everything())).containsExactly("report");

    MiniRun.flip(files.get(0), 3);
    Outcome noticed = mini.stage("explain");
    assertThat(noticed.status()).as(noticed.err()).isZero();
    assertThat(done(noticed)).containsExactly("cache");
    assertThat(files.get(0)).hasBinaryContent(whole);
  }
}
