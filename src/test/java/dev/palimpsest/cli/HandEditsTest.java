package dev.palimpsest.cli;

import static dev.palimpsest.cli.MiniRun.done;
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
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a person wrote stays, and nothing from before an edit is shown beside it. */
final class HandEditsTest {
  @TempDir private static Path shared;
  private static MiniRun base;

  @TempDir private Path folder;
  private MiniRun mini;
  private Path texts;
  private List<String> written;
  private int latent;
  private String mine;

  @BeforeAll
  static void runOnce() throws IOException {
    base = MiniRun.in(shared.resolve("base"));
    Outcome first = base.everything();
    assertThat(first.status()).as(first.err()).isZero();
  }

  /** Changes the first line, removes the second. */
  @BeforeEach
  void edit() throws IOException {
    mini = base.copy(folder.resolve("mini"));
    texts = mini.file("explanations/" + MiniRun.HOOKPOINT + ".jsonl");
    written = Files.readAllLines(texts);
    List<String> lines = new ArrayList<>(written);
    ObjectNode line = (ObjectNode) Json.MAPPER.readTree(lines.get(0));
    latent = line.path("latent").asInt();
    mine = Json.MAPPER.readTree(lines.get(lines.size() - 1)).path("text").asText();
    assertThat(mine).isNotEqualTo(line.path("text").asText());
    lines.set(0, Json.line(line.put("text", mine)));
    lines.remove(1);
    Files.write(texts, lines);
  }

  @Test
  void theExplainerKeepsThem() throws IOException {
    List<String> edited = Files.readAllLines(texts);
    Outcome again = mini.stage("explain");
    assertThat(done(again)).isEmpty();
    assertThat(again.err()).contains("2 explanations of layers.2.mlp are a person's and stay");
    assertThat(Files.readAllLines(texts)).isEqualTo(edited);

    Outcome other = mini.stage("explain", "--set=explain.max_characters=30");
    assertThat(other.status()).as(other.err()).isZero();
    List<String> now = Files.readAllLines(texts);
    assertThat(now.get(0)).isEqualTo(edited.get(0));
    assertThat(now).hasSameSizeAs(edited).isNotEqualTo(edited);
    assertThat(Files.readAllLines(beside(1))).isEqualTo(edited);

    Outcome replaced = mini.stage("explain", "--replace-texts", "--set=explain.max_characters=60");
    assertThat(replaced.status()).as(replaced.err()).isZero();
    assertThat(Files.readAllLines(texts)).isEqualTo(written);
    assertThat(Files.readAllLines(beside(2))).isEqualTo(now);
    assertThat(beside(3)).doesNotExist();
  }

  @Test
  void whatCannotBeReadIsReplacedWhereThatIsAskedFor() throws IOException {
    for (String damaged : List.of("", "{\"latent\": \"5\"}\n")) {
      Files.writeString(texts, damaged);
      Outcome refused = mini.stage("explain");
      assertThat(refused.status()).isEqualTo(1);
      assertThat(refused.err()).contains(texts.toString());
      Outcome replaced = mini.stage("explain", "--replace-texts");
      assertThat(replaced.status()).as(replaced.err()).isZero();
      assertThat(Files.readAllLines(texts)).isEqualTo(written);
    }
    assertThat(beside(1)).hasContent("");
    assertThat(beside(2)).content().contains("5");
  }

  @Test
  void faultsAreToldBeforeAnythingIsDone() throws IOException {
    for (String line :
        List.of(
            "{\"latent\": 32, \"text\": \"\"}",
            "{\"latent\": 1, \"text\": \"Fires on cat 7; starts at -5.\"}")) {
      Files.writeString(texts, line + "\n");
      for (Outcome refused :
          List.of(
              mini.stage("explain", "--set=cache.tokens=2048"),
              mini.stage("simulate", "--set=cache.tokens=2048"),
              mini.everything("--set=cache.tokens=2048"))) {
        assertThat(refused.status()).isEqualTo(1);
        assertThat(refused.err()).contains(texts + " line 1");
        assertThat(done(refused)).isEmpty();
      }
    }
  }

  @Test
  void anotherCoderDoesNotCostThem() throws IOException {
    Outcome refused = mini.everything("--force", "--set=train.tokens=4096");
    assertThat(refused.status()).isEqualTo(2);
    assertThat(refused.err())
        .contains(texts + " has 2 lines that a person wrote for another coder")
        .contains("--replace-texts");
    assertThat(Files.readAllLines(texts)).hasSize(written.size() - 1);
  }

  @Test
  void aStageAloneRefreshesWhatItStandsOn() throws IOException {
    Outcome refused = mini.stage("rewrite", "--no-refresh");
    assertThat(refused.status()).isEqualTo(1);
    assertThat(refused.err())
        .contains("score.layers.2.mlp is out of date (the explanations changed)")
        .contains("leave out --no-refresh");

    Outcome rewritten = mini.stage("rewrite");
    assertThat(rewritten.status()).as(rewritten.err()).isZero();
    assertThat(done(rewritten))
        .containsExactly(
            "score",
            "simulate.last-token",
            "simulate.all-tokens",
            "rewrite.last-token",
            "rewrite.all-tokens");
    assertThat(done(mini.everything())).containsExactly("report");
  }

  @Test
  void reportAndInspectLeaveOutWhatIsOlder() throws Exception {
    JsonNode page = mini.stage("inspect", Integer.toString(latent), "--json").json();
    assertThat(page.path("explanation").asText()).isEqualTo(mine);
    assertThat(page.path("explainer").asText()).isEqualTo("edited by hand");
    assertThat(page.path("scores")).isEmpty();
    assertThat(page.path("notes").toString())
        .contains("left out: scores (the explanations changed)");

    Outcome reported = mini.stage("report");
    assertThat(reported.status()).as(reported.err()).isZero();
    assertThat(reported.err()).contains("left out: losses of all-tokens (");
    assertThat(reported.out()).doesNotContain("costs +");
    assertThat(Files.readString(mini.file("report.html")))
        .contains("left out: losses of last-token");

    Path readme = Files.writeString(folder.resolve("README.md"), "text");
    Outcome tabled = mini.stage("report", "--readme", readme.toString());
    assertThat(tabled.status()).isEqualTo(1);
    assertThat(tabled.err()).contains("is out of date (").contains("run 'rewrite' first");
    assertThat(readme).hasContent("text");

    JsonNode before = base.stage("inspect", Integer.toString(latent), "--json").json();
    assertThat(before.path("explainer").asText()).isEqualTo("lexical");
    assertThat(before.path("scores")).isNotEmpty();
    assertThat(before.path("notes")).isEmpty();
  }

  @Test
  void oneTableMadeAnewIsNotComparedWithTheOther() throws IOException {
    Outcome one =
        mini.stage("rewrite", "--set=rewrite.last_token.enabled=false", "--set=threads=1");
    assertThat(one.status()).as(one.err()).isZero();
    Outcome both = mini.stage("report", "--set=rewrite.last_token.enabled=true");
    assertThat(both.status()).as(both.err()).isZero();
    assertThat(both.err())
        .contains("left out: losses of last-token (")
        .doesNotContain("left out: losses of all-tokens");
  }

  private Path beside(int number) {
    return texts.resolveSibling(texts.getFileName() + "." + number);
  }
}
