package dev.palimpsest.cli;

import static dev.palimpsest.cli.TrainRuns.lasting;
import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.cli.TrainRuns.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A checkpoint that was damaged on the disk is noticed, and the one before it taken. */
class DamagedCheckpointTest {
  private static final String NEWEST = "checkpoints/step-000000000024";
  private static final String OLDER = "checkpoints/step-000000000020";
  private static final String TRAINER = "layers.1.mlp/trainer.safetensors";

  @TempDir Path folder;

  /** Changes a file of a checkpoint. */
  private interface Damage {
    void to(Path checkpoint) throws IOException;
  }

  private static Map<String, Damage> damages() {
    Map<String, Damage> damages = new LinkedHashMap<>();
    for (int place : new int[] {3, 40, 700, 9000}) {
      damages.put("a bit at " + place, checkpoint -> flip(checkpoint.resolve(TRAINER), place));
    }
    damages.put("the state's bit", checkpoint -> flip(checkpoint.resolve("state.json"), 20));
    damages.put("no state", checkpoint -> Files.delete(checkpoint.resolve("state.json")));
    damages.put("no trainer", checkpoint -> Files.delete(checkpoint.resolve(TRAINER)));
    damages.put("half a trainer", checkpoint -> halve(checkpoint.resolve(TRAINER)));
    damages.put("half a state", checkpoint -> halve(checkpoint.resolve("state.json")));
    damages.put(
        "another step's trainer",
        checkpoint ->
            Files.write(
                checkpoint.resolve(TRAINER),
                Files.readAllBytes(
                    checkpoint.resolveSibling("step-000000000020").resolve(TRAINER))));
    damages.put(
        "another step's state",
        checkpoint ->
            Files.write(
                checkpoint.resolve("state.json"),
                Files.readAllBytes(
                    checkpoint.resolveSibling("step-000000000020").resolve("state.json"))));
    return damages;
  }

  @Test
  void theOneBeforeIsTaken() throws IOException {
    Path model = TinyTraining.model(folder.resolve("model"));
    Path text = TinyTraining.tokens(folder.resolve("text.bin"), 8000, 0);
    Path whole = folder.resolve("whole");
    assertThat(TinyTraining.train(model.toString(), text, whole).status()).isZero();
    int number = 0;
    for (Map.Entry<String, Damage> damage : damages().entrySet()) {
      Path cut = interrupted(whole, folder.resolve("cut" + number++));
      damage.getValue().to(cut.resolve(NEWEST));
      Outcome resumed = TinyTraining.trainAloud(model.toString(), text, cut);
      assertThat(resumed.status()).as(damage.getKey() + resumed.err()).isZero();
      assertThat(resumed.json().get("resumed_from_step").asLong())
          .as(damage.getKey())
          .isEqualTo(20);
      assertThat(resumed.err())
          .as(damage.getKey())
          .contains("step-000000000024", "going on from step 20");
      assertThat(lasting(cut)).as(damage.getKey()).isEqualTo(lasting(whole));
    }
  }

  @Test
  void whereNoneIsGoodNothingIsDone() throws IOException {
    Path model = TinyTraining.model(folder.resolve("model"));
    Path text = TinyTraining.tokens(folder.resolve("text.bin"), 8000, 0);
    Path whole = folder.resolve("whole");
    assertThat(TinyTraining.train(model.toString(), text, whole).status()).isZero();
    Path cut = interrupted(whole, folder.resolve("cut"));
    flip(cut.resolve(NEWEST).resolve(TRAINER), 500);
    Files.delete(cut.resolve(OLDER).resolve("state.json"));
    Map<String, String> before = lasting(cut);
    Outcome refused = TinyTraining.train(model.toString(), text, cut);
    assertThat(refused.status()).isEqualTo(1);
    assertThat(refused.err())
        .contains("none of the checkpoints", "step-000000000024", "step-000000000020")
        .hasLineCount(1);
    assertThat(lasting(cut)).isEqualTo(before);
    assertThat(cut.resolve(NEWEST)).exists();
    Outcome anew = TinyTraining.train(model.toString(), text, cut, "--overwrite");
    assertThat(anew.status()).isZero();
    assertThat(lasting(cut)).isEqualTo(lasting(whole));
  }

  @Test
  void aDamagedRecordOfTheRunIsHealedOrNamed() throws IOException {
    Path model = TinyTraining.model(folder.resolve("model"));
    Path text = TinyTraining.tokens(folder.resolve("text.bin"), 8000, 0);
    Path whole = folder.resolve("whole");
    assertThat(TinyTraining.train(model.toString(), text, whole).status()).isZero();
    Map<String, String> before = lasting(whole);

    halve(whole.resolve("training.json"));
    Outcome again = TinyTraining.train(model.toString(), text, whole);
    assertThat(again.status()).as(again.err()).isZero();
    assertThat(again.json().get("resumed_from_step").asLong()).isEqualTo(24);
    assertThat(lasting(whole)).isEqualTo(before);

    halve(whole.resolve("checkpoints/run.json"));
    Outcome refused = TinyTraining.train(model.toString(), text, whole);
    assertThat(refused.status()).isEqualTo(1);
    assertThat(refused.err()).contains("run.json", "--overwrite").hasLineCount(1);
    Outcome anew = TinyTraining.train(model.toString(), text, whole, "--overwrite");
    assertThat(anew.status()).as(anew.err()).isZero();
    assertThat(lasting(whole)).isEqualTo(before);
  }

  /** As a kill before the coders are written leaves a run: with its last two checkpoints. */
  private static Path interrupted(Path whole, Path cut) throws IOException {
    copy(whole, cut);
    Files.delete(cut.resolve("training.json"));
    delete(cut.resolve("coder"));
    return cut;
  }

  private static void flip(Path file, int place) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[place] ^= 4;
    Files.write(file, bytes);
  }

  private static void halve(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, java.util.Arrays.copyOf(bytes, bytes.length / 2));
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
