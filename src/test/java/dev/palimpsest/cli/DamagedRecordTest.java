package dev.palimpsest.cli;

import static dev.palimpsest.cli.MiniRun.done;
import static dev.palimpsest.cli.MiniRun.lasting;
import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.cli.TrainRuns.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A damaged record of a run ends no command with another's words, and never without a way out. */
final class DamagedRecordTest {
  private static final String INPUTS = "stages/inputs.json";

  @TempDir private static Path shared;
  private static MiniRun base;
  private static Map<String, String> whole;

  @TempDir private Path folder;

  @BeforeAll
  static void runOnce() throws IOException {
    base = MiniRun.in(shared.resolve("base"));
    Outcome first = base.everything();
    assertThat(first.status()).as(first.err()).isZero();
    whole = lasting(base.run());
  }

  @ParameterizedTest
  @ValueSource(strings = {"run", "report", "rewrite", "run --force"})
  void whatTheRunWasBegunWithIsKnownFromTheTrainingAsWell(String command) throws IOException {
    for (int share : command.endsWith("--force") ? List.of(1) : List.of(0, 1, 3)) {
      MiniRun mini = base.copy(folder.resolve("run" + share));
      cut(mini.file(INPUTS), share);

      Outcome outcome = command(mini, command);

      assertThat(outcome.status()).as(outcome.err()).isZero();
      if (!command.endsWith("--force")) {
        assertThat(outcome.err()).contains(INPUTS + ":").contains("made anew by what stages/train");
      }
      assertThat(outcome.err()).doesNotContain("Source").doesNotContain("REDACTED");
      assertThat(Files.readString(mini.file(INPUTS)))
          .isEqualTo(Files.readString(base.file(INPUTS)));
    }
  }

  @Test
  void aFlippedBitThereIsDamageAndNotAnotherModel() throws IOException {
    String content = Files.readString(base.file(INPUTS));
    for (int place : List.of(content.indexOf("model.safetensors") + 30, content.indexOf("6144"))) {
      MiniRun mini = base.copy(folder.resolve("run" + place));
      MiniRun.flip(mini.file(INPUTS), content.length() - place);

      Outcome again = mini.everything();

      assertThat(again.status()).as(again.err()).isZero();
      assertThat(again.err()).contains(INPUTS + ": damaged").doesNotContain("another content");
      assertThat(done(again)).containsExactly("report");
    }
  }

  @Test
  void withoutThatRecordAnotherModelOrTextIsStillRefused() throws IOException {
    MiniRun mini = base.copy(folder.resolve("model"));
    cut(mini.file(INPUTS), 2);
    MiniRun.flip(mini.model().resolve("model.safetensors"), 3);
    for (String command : List.of("run", "rewrite", "report")) {
      Outcome refused = command(mini, command);
      assertThat(refused.status()).isEqualTo(2);
      assertThat(refused.err()).contains("the model " + mini.model() + " has another content");
    }
    mini = base.copy(folder.resolve("text"));
    Files.delete(mini.file(INPUTS));
    Files.write(mini.text(), MiniRun.stories(400));
    Outcome refused = mini.everything();
    assertThat(refused.status()).isEqualTo(2);
    assertThat(refused.err()).contains("the text has another content").contains("--force");
  }

  @Test
  void withoutAnyRecordTheCheckpointsOwnIsAsked() throws IOException {
    MiniRun mini = base.copy(folder.resolve("checkpoints"));
    cut(mini.file(INPUTS), 2);
    cut(mini.file("stages/train.json"), 2);
    cut(mini.file("config.yaml"), 0);

    Outcome again = mini.everything();

    assertThat(again.status()).as(again.err()).isZero();
    assertThat(again.err()).contains("config.yaml").contains("it is made anew");
    assertThat(done(again)).containsExactly("train", "report");
    assertThat(lasting(mini.run())).isEqualTo(lastingOf(mini));

    cut(mini.file(INPUTS), 2);
    Files.delete(mini.file("stages/train.json"));
    cut(mini.file("config.yaml"), 0);
    MiniRun.flip(mini.model().resolve("model.safetensors"), 3);
    Outcome refused = mini.everything();
    assertThat(refused.status()).isEqualTo(2);
    assertThat(refused.err()).contains("model.safetensors").contains("--force");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "train",
        "cache.layers.2.mlp",
        "explain.layers.2.mlp",
        "score.layers.2.mlp",
        "simulate.layers.2.mlp.all-tokens",
        "rewrite.layers.2.mlp.all-tokens",
        "times",
        "digests"
      })
  void everyOtherRecordIsMadeAgain(String record) throws IOException {
    MiniRun mini = base.copy(folder.resolve("run"));
    cut(mini.file("stages/" + record + ".json"), 2);

    Outcome report = mini.stage("report");
    assertThat(report.status()).as(report.err()).isZero();
    Outcome again = mini.everything();
    assertThat(again.status()).as(again.err()).isZero();
    assertThat(lasting(mini.run())).isEqualTo(lastingOf(mini));
  }

  /** The untouched run's files, as a copy has them. */
  private static Map<String, String> lastingOf(MiniRun copy) {
    Map<String, String> moved = new java.util.TreeMap<>(whole);
    moved.replaceAll(
        (name, content) ->
            content.replace(
                String.valueOf(base.run().getParent()), String.valueOf(copy.run().getParent())));
    return moved;
  }

  private static Outcome command(MiniRun mini, String command) {
    return switch (command) {
      case "run" -> mini.everything();
      case "run --force" -> mini.everything("--force");
      default -> mini.stage(command);
    };
  }

  /** Leaves a half, a third…; 0 leaves a file of other bytes. */
  private static void cut(Path file, int share) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    Files.write(
        file,
        share == 0 ? new byte[] {'x', 0, 27} : Arrays.copyOf(bytes, bytes.length * 2 / 3 / share));
  }
}
