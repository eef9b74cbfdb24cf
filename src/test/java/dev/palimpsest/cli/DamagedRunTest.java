package dev.palimpsest.cli;

import static dev.palimpsest.cli.MiniRun.done;
import static dev.palimpsest.cli.MiniRun.lasting;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.base.Json;
import dev.palimpsest.cli.TrainRuns.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a finished run left is not shown as the truth once it is damaged. */
final class DamagedRunTest {
  private static final String CODER = "coder/layers.2.mlp/";
  private static final String METRICS = "metrics.jsonl";
  private static final String CURVE = "Fraction of variance unexplained (FVU), logarithmic.";

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

  /** How a file may be damaged. */
  private enum Damage {
    GONE,
    SHORTER,
    CHANGED;

    void doTo(Path file) throws IOException {
      byte[] bytes = Files.readAllBytes(file);
      switch (this) {
        case GONE -> Files.delete(file);
        case SHORTER -> Files.write(file, java.util.Arrays.copyOf(bytes, bytes.length / 2));
        case CHANGED -> {
          int at = bytes.length / 2;
          while (bytes[at] < '0' || bytes[at] > '9') {
            at++;
          }
          bytes[at] ^= 1;
          Files.write(file, bytes);
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "GONE, 'has 0 lines, expected 12'",
    "SHORTER, 'lines, expected 12'",
    "CHANGED, 'was changed or is damaged within its first 12 lines'"
  })
  void linesOfTrainingThatAreNotWhatItLeftAreToldAndNotShown(Damage damage, String told)
      throws IOException {
    assertThat(Files.readAllLines(base.file(METRICS))).hasSize(12);
    assertThat(Files.readString(base.file("report.html"))).contains(CURVE);
    MiniRun mini = base.copy(folder.resolve("run"));
    damage.doTo(mini.file(METRICS));

    Outcome again = mini.everything();

    assertThat(again.status()).as(again.err()).isZero();
    assertThat(done(again)).containsExactly("report");
    assertThat(again.err()).contains(METRICS + " ", told);
    String page = Files.readString(mini.file("report.html"));
    assertThat(page).contains("The course of training is left out").contains(told);
    assertThat(page).doesNotContain(CURVE);
    assertThat(mini.stage("report").err()).contains("The course of training is left out");
  }

  @ParameterizedTest
  @ValueSource(strings = {"GONE", "SHORTER", "CHANGED"})
  void theRecordOfTrainingIsMadeAgainFromTheLastCheckpoint(Damage damage) throws IOException {
    MiniRun mini = base.copy(folder.resolve("run"));
    damage.doTo(mini.file("training.json"));

    Outcome again = mini.everything();

    assertThat(again.status()).as(again.err()).isZero();
    assertThat(done(again)).containsExactly("train", "report");
    assertThat(lasting(mini.run())).isEqualTo(lastingOf(mini));
    assertThat(timeless(mini)).isEqualTo(timeless(base));
    assertThat(done(mini.everything())).containsExactly("report");
  }

  @ParameterizedTest
  @ValueSource(strings = {"GONE", "SHORTER", "CHANGED"})
  void lossesByWindowAreMeasuredAgain(Damage damage) throws IOException {
    MiniRun mini = base.copy(folder.resolve("run"));
    damage.doTo(mini.file("rewrites/layers.2.mlp.all-tokens.losses.safetensors"));

    Outcome again = mini.everything();

    assertThat(done(again)).as(again.err()).containsExactly("rewrite.all-tokens", "report");
    assertThat(lasting(mini.run())).isEqualTo(lastingOf(mini));
  }

  @ParameterizedTest
  @CsvSource({
    "cfg.json, SHORTER",
    "sae.safetensors, CHANGED",
    "sae.safetensors, SHORTER",
    "checksums.json, CHANGED",
    "checksums.json, SHORTER"
  })
  void aDamagedCoderIsNamedAndSoIsTheWayOut(String file, Damage damage) throws IOException {
    MiniRun mini = base.copy(folder.resolve("run"));
    damage.doTo(mini.file(CODER + file));
    List<Outcome> refused = new ArrayList<>(List.of(mini.everything()));
    for (String stage : List.of("report", "rewrite", "cache")) {
      refused.add(mini.stage(stage));
    }
    for (Outcome each : refused) {
      assertThat(each.status()).isEqualTo(1);
      assertThat(each.err().lines().filter(line -> line.startsWith("palimpsest: ")))
          .singleElement()
          .asString()
          .contains(CODER + file, "damaged", "--force");
    }
    Outcome anew = mini.everything("--force");
    assertThat(anew.status()).as(anew.err()).isZero();
    assertThat(lasting(mini.run())).isEqualTo(lastingOf(mini));
  }

  @ParameterizedTest
  @CsvSource({"jsonl, GONE", "jsonl, SHORTER", "jsonl, CHANGED", "glossary.txt, SHORTER"})
  void theExplainersOwnLinesAreHadAgainFromTheTexts(String ending, Damage damage)
      throws IOException {
    MiniRun mini = base.copy(folder.resolve("run"));
    Path written = mini.file("stages/written/layers.2.mlp." + ending);
    if (ending.equals("glossary.txt")) {
      Files.writeString(written, "(no word");
    } else {
      damage.doTo(written);
    }
    Outcome inspected = mini.stage("inspect", "3");
    assertThat(inspected.status()).as(inspected.err()).isZero();

    Outcome again = mini.everything();

    assertThat(again.status()).as(again.err()).isZero();
    assertThat(done(again)).containsExactly("report");
    assertThat(lasting(mini.run())).isEqualTo(lastingOf(mini));
  }

  @Test
  void withAPersonsWordsBesideDamageEveryLineIsThePersons() throws IOException {
    MiniRun mini = base.copy(folder.resolve("run"));
    Path texts = mini.file("explanations/layers.2.mlp.jsonl");
    List<String> lines = Files.readAllLines(texts);
    lines.set(0, "{\"latent\": 0, \"text\": \"Strong on dog. Else silent.\"}");
    Files.write(texts, lines);
    Damage.SHORTER.doTo(mini.file("stages/written/layers.2.mlp.jsonl"));

    Outcome again = mini.everything();

    assertThat(again.status()).as(again.err()).isZero();
    assertThat(again.err()).contains("explanations of layers.2.mlp are a person's and stay");
    assertThat(Files.readString(texts)).contains("Strong on dog. Else silent.");
    assertThat(Files.readAllLines(texts)).hasSameSizeAs(lines);
  }

  @Test
  void trainingGoesOnWithALogThatHasLostLinesAndTheRecordSaysSo() throws IOException {
    Path model = TinyTraining.model(folder.resolve("model"));
    Path text = TinyTraining.tokens(folder.resolve("text.bin"), 8000, 0);
    Path out = folder.resolve("train");
    assertThat(TinyTraining.train(model.toString(), text, out).status()).isZero();
    byte[] coder = Files.readAllBytes(out.resolve("coder/layers.1.mlp/sae.safetensors"));
    List<String> lines = Files.readAllLines(out.resolve(METRICS));
    assertThat(lines).hasSize(24);
    Files.delete(out.resolve("training.json"));
    Files.writeString(
        out.resolve(METRICS), String.join("\n", lines.subList(0, 10)) + "\n{\"step\": 11, ");

    Outcome on = TinyTraining.trainAloud(model.toString(), text, out);

    assertThat(on.status()).as(on.err()).isZero();
    assertThat(on.err()).contains("has 10 lines, expected 24").contains("training goes on");
    assertThat(Files.readAllLines(out.resolve(METRICS))).isEqualTo(lines.subList(0, 10));
    assertThat(Files.readAllBytes(out.resolve("coder/layers.1.mlp/sae.safetensors")))
        .isEqualTo(coder);
    Outcome again = TinyTraining.trainAloud(model.toString(), text, out);
    assertThat(again.err()).contains("lacks lines of 14 steps");
  }

  /** {@code training.json} without what a second process must tell otherwise. */
  private static JsonNode timeless(MiniRun mini) throws IOException {
    ObjectNode record =
        (ObjectNode) Json.MAPPER.readTree(Files.readString(mini.file("training.json")));
    record.remove(List.of("tokens_per_second", "resumed_from_step", "coders", "crc32c"));
    return record;
  }

  /** The untouched run's files, as a copy has them. */
  private static Map<String, String> lastingOf(MiniRun copy) {
    Map<String, String> moved = new TreeMap<>(whole);
    moved.replaceAll(
        (name, content) ->
            content.replace(
                String.valueOf(base.run().getParent()), String.valueOf(copy.run().getParent())));
    return moved;
  }
}
