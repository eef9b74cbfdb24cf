package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.base.Json;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From text to explanations and back through the command line: what is told, what is refused. */
class TextOfARunTest {
  @TempDir Path folder;

  private record Outcome(int exit, String err) {}

  private static Outcome palimpsest(String... arguments) {
    StringWriter err = new StringWriter();
    PrintWriter nowhere = new PrintWriter(new StringWriter());
    return new Outcome(
        Palimpsest.run(nowhere, new PrintWriter(err, true), arguments), err.toString());
  }

  /** Some of the embedded stories, with a null text and two that occur twice among them. */
  private Path stories() throws IOException {
    List<String> lines = new ArrayList<>();
    try (InputStream all = TextOfARunTest.class.getResourceAsStream("/embedded/stories.jsonl")) {
      new String(Objects.requireNonNull(all).readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .limit(400)
          .forEach(lines::add);
    }
    lines.add("{\"text\": null}");
    lines.add(lines.get(7));
    lines.add(lines.get(8));
    return Files.write(folder.resolve("base.jsonl"), lines);
  }

  private Outcome train(Path text, Path run, String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of("train", "embedded", "--data", text.toString(), "--out", run.toString()));
    arguments.addAll(
        List.of("--hookpoint", "layers.2.mlp", "--num-latents=64", "--k=4", "--tokens=4096"));
    arguments.addAll(List.of("--batch-tokens=1024", "--ctx-len=64", "--threads=1"));
    arguments.addAll(List.of("--token-cache", folder.resolve("tokens").toString()));
    arguments.addAll(List.of(more));
    return palimpsest(arguments.toArray(String[]::new));
  }

  @Test
  void whatTrainWasToldOfTheTextHoldsForLaterStages() throws IOException {
    Path text = stories();
    Path run = folder.resolve("run");
    Outcome refused = train(text, run);
    assertThat(refused.exit()).isEqualTo(1);
    assertThat(refused.err()).contains(text + " line 401", "is null", "--skip-null-texts");

    Outcome outside = train(text, run, "--skip-null-texts", "--exclude-tokens=999999");
    assertThat(outside.exit()).isEqualTo(2);
    assertThat(outside.err()).contains("999999", "outside the vocabulary of 2048");

    String[] options = {"--skip-null-texts", "--within-documents", "--bos-every-window"};
    Outcome trained = train(text, run, options);
    assertThat(trained.exit()).as(trained.err()).isZero();
    assertThat(trained.err()).contains("2 of 402 documents (0.5 %) are equal to earlier ones");
    JsonNode data = Json.readYaml(run.resolve("config.yaml"), JsonNode.class).path("data");
    for (String key : List.of("skip_null_texts", "within_documents", "bos_every_window")) {
      assertThat(data.path(key).asBoolean()).as(key).isTrue();
    }
    Outcome cached =
        palimpsest(
            "cache", run.toString(), "--set=cache.tokens=4096", "--set=cache.context_length=64");
    assertThat(cached.exit()).as(cached.err()).isZero();
  }

  @Test
  void editedExplanationsAreChecked() throws IOException {
    Path run = folder.resolve("run");
    assertThat(train(stories(), run, "--skip-null-texts").exit()).isZero();
    String[] small = {"--set=cache.tokens=8192", "--set=score.tokens=4096"};
    Outcome explained = palimpsest("explain", run.toString(), small[0], small[1]);
    if (explained.exit() != 0) {
      assertThat(palimpsest("cache", run.toString(), small[0], small[1]).exit()).isZero();
      explained = palimpsest("explain", run.toString());
    }
    assertThat(explained.exit()).as(explained.err()).isZero();
    Path file = run.resolve("explanations/layers.2.mlp.jsonl");
    List<String> lines = Files.readAllLines(file);

    write(file, lines, "Great on cat, catz.");
    Outcome strict = palimpsest("score", run.toString(), "--strict");
    assertThat(strict.exit()).isEqualTo(1);
    assertThat(strict.err()).contains(file + " line 2", "no token or class is \" catz\"");
    Outcome warned = palimpsest("score", run.toString(), "--set=strict=false");
    assertThat(warned.exit()).as(warned.err()).isZero();
    assertThat(warned.err())
        .contains(file + " line 2", "no token or class is \" catz\"", "nearest: cat");

    write(file, lines, "Cats, mostly; never dogs!");
    Outcome free = palimpsest("score", run.toString());
    assertThat(free.exit()).as(free.err()).isZero();
    assertThat(free.err())
        .contains(file + " line 2", "character 1: found \"Cats", "understood: Fires strongly on ");

    write(file, lines, "Fires on cat 7; starts at -5.");
    Outcome fault = palimpsest("score", run.toString());
    assertThat(fault.exit()).isEqualTo(1);
    assertThat(fault.err()).contains(file + " line 2", "style of earlier versions");

    Files.writeString(file, "");
    Outcome emptied = palimpsest("score", run.toString());
    assertThat(emptied.exit()).isEqualTo(1);
    assertThat(emptied.err()).contains(file + ": holds no explanations");
  }

  /** Puts a text of a person's in the second line. */
  private static void write(Path file, List<String> lines, String text) throws IOException {
    List<String> edited = new ArrayList<>(lines);
    ObjectNode line = (ObjectNode) Json.MAPPER.readTree(edited.get(1));
    edited.set(1, Json.line(line.put("text", text)));
    Files.writeString(file, "\uFEFF" + String.join("\r\n", edited) + "\r\n");
  }
}
