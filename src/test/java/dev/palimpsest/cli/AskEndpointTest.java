package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.palimpsest.llm.LabelWay;
import dev.palimpsest.llm.ScriptedServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** {@code ask} on a server. */
class AskEndpointTest {
  private static final String DIGITS = "0,1,2,3,4,5,6,7,8,9";

  private record Result(int exit, String out, String err) {}

  private static Result ask(String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int exit = Palimpsest.run(new PrintWriter(out, true), new PrintWriter(err, true), arguments);
    return new Result(exit, out.toString(), err.toString());
  }

  private static double chance(String prompt, int digit) {
    return digit == prompt.length() % 10 ? 0.91 : 0.01;
  }

  @ParameterizedTest
  @EnumSource
  void tellsWhatTheProbeFoundAndKeepsTheOrder(LabelWay way, @TempDir Path folder)
      throws IOException {
    Path prompts =
        Files.writeString(
            folder.resolve("p.jsonl"), "{\"prompt\": \"a\"}\n{\"prompt\": \"bbb\"}\n");
    try (ScriptedServer server = new ScriptedServer(way, AskEndpointTest::chance)) {
      Result result =
          ask("ask", server.url(), "--prompts", prompts.toString(), "--labels", DIGITS, "--json");
      assertThat(result.exit()).as(result.err()).isZero();
      assertThat(result.err()).contains("plain texts: labels by '" + way.label() + "'");
      List<String> lines = result.out().lines().toList();
      assertThat(lines).hasSize(2);
      for (int i = 0; i < 2; i++) {
        JsonNode line = new ObjectMapper().readTree(lines.get(i));
        assertThat(line.path("prompt").asInt()).isEqualTo(i);
        assertThat(line.path("labels_by").asText()).isEqualTo(way.label());
        double expected = way == LabelWay.SAMPLES ? 0 : Math.log(0.91);
        assertThat(line.path("labels").path(i == 0 ? "1" : "3").asDouble(-99))
            .isEqualTo(expected, within(1e-12));
      }
    }
  }

  @Test
  void journalIsGoneOnWith(@TempDir Path folder) throws IOException {
    Path prompts =
        Files.writeString(
            folder.resolve("p.jsonl"),
            "{\"prompt\": \"a\"}\n{\"prompt\": \"bb\"}\n{\"prompt\": \"ccc\"}\n");
    String journal = folder.resolve("answers.jsonl").toString();
    try (ScriptedServer server = new ScriptedServer(LabelWay.TOP, AskEndpointTest::chance)) {
      String[] line = {
        "ask",
        server.url(),
        "--prompts",
        prompts.toString(),
        "--labels",
        DIGITS,
        "--journal",
        journal
      };
      String[] limited = Arrays.copyOf(line, line.length + 2);
      limited[line.length] = "--max-calls";
      limited[line.length + 1] = "2";
      Result first = ask(limited);
      assertThat(first.exit()).isEqualTo(1);
      assertThat(first.err()).contains("stopped as --max-calls 2 says", "goes on from here");
      Result second = ask(line);
      assertThat(second.exit()).as(second.err()).isZero();
      assertThat(second.err()).contains("1 calls", "2 answers were known");
      assertThat(second.out().lines()).hasSize(3);
    }
  }

  @Test
  void unknownWayIsWrongUsage() {
    Result result =
        ask(
            "ask",
            "http://127.0.0.1:1/v1",
            "--prompt",
            "x",
            "--labels",
            "0",
            "--labels-by",
            "luck");
    assertThat(result.exit()).isEqualTo(2);
    assertThat(result.err()).contains("--labels-by is 'luck'");
  }
}
