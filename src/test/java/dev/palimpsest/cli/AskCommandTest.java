package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.palimpsest.model.ModelSource;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code ask} on the embedded model. */
class AskCommandTest {
  @TempDir Path folder;

  private record Result(int exit, String out, String err) {
    List<JsonNode> lines() throws IOException {
      List<JsonNode> lines = new ArrayList<>();
      for (String line : out.lines().toList()) {
        lines.add(new ObjectMapper().readTree(line));
      }
      return lines;
    }
  }

  private static Result ask(String... arguments) {
    String[] all = new String[arguments.length + 1];
    all[0] = "ask";
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int exit = Palimpsest.run(new PrintWriter(out, true), new PrintWriter(err, true), all);
    return new Result(exit, out.toString(), err.toString());
  }

  private Path file(String name, String content) throws IOException {
    return Files.writeString(folder.resolve(name), content);
  }

  @Test
  void answersInOrderWhateverElseIsAsked() throws IOException {
    Path prompts =
        file("p.jsonl", "{\"prompt\": \"Lily had a\"}\n\n{\"prompt\": \"One day, Tom\"}\n");
    Result together =
        ask(
            "embedded",
            "--json",
            "--max-tokens",
            "12",
            "--prompt",
            "Once upon a time",
            "--prompts",
            prompts.toString());
    assertThat(together.exit()).as(together.err()).isZero();
    List<JsonNode> lines = together.lines();
    assertThat(lines).hasSize(3);
    for (int i = 0; i < 3; i++) {
      assertThat(lines.get(i).get("prompt").asInt()).isEqualTo(i);
      assertThat(lines.get(i).get("tokens").asInt()).isBetween(1, 12);
      assertThat(lines.get(i).get("precision").asText()).isEqualTo("fp32");
    }
    Result alone = ask("embedded", "--json", "--max-tokens", "12", "--prompt", "Once upon a time");
    assertThat(alone.lines().get(0)).isEqualTo(lines.get(0));
  }

  @Test
  void drawsRepeatWithTheirSeed() {
    String[] options = {
      "embedded", "--prompt", "Once", "--temperature", "1", "--top-p", "0.95", "--seed", "5"
    };
    assertThat(ask(options).out()).isEqualTo(ask(options).out()).isNotBlank();
    options[8] = "6";
    String other = ask(options).out();
    options[8] = "5";
    assertThat(ask(options).out()).isNotEqualTo(other);
  }

  @Test
  void labelsAreProbabilities() throws IOException {
    Result result = ask("embedded", "--json", "--prompt", "Once upon a", "--labels", " time, cat");
    assertThat(result.exit()).as(result.err()).isZero();
    JsonNode labels = result.lines().get(0).get("labels");
    assertThat(labels.get(" time").asDouble()).isBetween(-0.1, 0.0);
    assertThat(labels.get(" cat").asDouble()).isLessThan(-5);
  }

  /**
   * Rounding to 16 bits moves a log-probability of this small model by a few hundredths at most.
   */
  @Test
  void labelsInBf16AreThoseOfFp32ToRounding() throws IOException {
    String[] question = {"embedded", "--json", "--prompt", "Once upon a", "--labels", " time, cat"};
    String[] rounded = Arrays.copyOf(question, question.length + 2);
    rounded[question.length] = "--precision";
    rounded[question.length + 1] = "bf16";
    JsonNode exact = ask(question).lines().get(0);
    JsonNode found = ask(rounded).lines().get(0);
    assertThat(found.get("precision").asText()).isEqualTo("bf16");
    for (String label : List.of(" time", " cat")) {
      assertThat(found.get("labels").get(label).asDouble())
          .isCloseTo(exact.get("labels").get(label).asDouble(), within(0.1))
          .isNotEqualTo(exact.get("labels").get(label).asDouble());
    }
  }

  @Test
  void aConversationGoesThroughTheModelsTemplate() throws IOException {
    Path source = ModelSource.resolve("embedded");
    for (String name : List.of("config.json", "model.safetensors", "tokenizer.json")) {
      Files.createSymbolicLink(folder.resolve(name), source.resolve(name).toAbsolutePath());
    }
    file("chat_template.jinja", "{% for m in messages %}{{ m.content }}{% endfor %}");
    String model = folder.toString();
    assertThat(ask(model, "--chat", "--prompt", "Once upon a").out())
        .isEqualTo(ask(model, "--prompt", "Once upon a").out());
    file("chat_template.jinja", "{{ messages[0].x.y }}");
    Result wrong = ask(model, "--chat", "--prompt", "Once");
    assertThat(wrong.exit()).isEqualTo(1);
    assertThat(wrong.err()).contains("chat_template.jinja: chat template, line 1: ");
  }

  @Test
  void whatCannotBeAskedIsOneLine() throws IOException {
    assertRefused(2, "nothing to ask", "embedded");
    assertRefused(2, "has no chat template", "embedded", "--chat", "--prompt", "x");
    assertRefused(2, "is no single token", "embedded", "--prompt", "x", "--labels", "qqqqqqq");
    assertRefused(2, "--top-p is 0.0", "embedded", "--prompt", "x", "--top-p", "0");
    assertRefused(2, "unknown precision", "embedded", "--prompt", "x", "--precision", "fp8");
    Path bad = file("bad.jsonl", "{\"prompt\": \"x\"}\n{\"promt\": \"x\"}\n");
    assertRefused(1, "line 2: expected", "embedded", "--prompts", bad.toString());
    assertRefused(2, "no file", "embedded", "--prompts", folder.resolve("none").toString());
  }

  private static void assertRefused(int exit, String message, String... arguments) {
    Result result = ask(arguments);
    assertThat(result.err()).contains(message);
    assertThat(result.exit()).isEqualTo(exit);
    assertThat(result.out()).isEmpty();
  }
}
