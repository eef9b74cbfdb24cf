package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.Json;
import dev.palimpsest.model.TestModels;
import dev.palimpsest.safetensors.SafeTensors;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code palimpsest activations} from end to end. */
class ActivationsCommandTest {
  @TempDir Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @ParameterizedTest
  @ValueSource(strings = {"gpt_neox", "gpt2", "llama", "gemma2"})
  void writesWhatTheReferenceHas(String family) throws IOException {
    Path model = TestModels.golden(family);
    Path input = model.resolve("reference.safetensors");
    Path output = folder.resolve("out.safetensors");
    String layer = family.equals("gpt2") ? "h.1" : "layers.1";
    String attention =
        switch (family) {
          case "gpt2" -> "h.1.attn";
          case "gpt_neox" -> "layers.1.attention";
          default -> "layers.1.self_attn";
        };
    assertThat(
            run(
                model,
                input,
                output,
                "--json",
                "--hookpoint",
                layer,
                "--hook",
                layer + ".mlp," + attention))
        .as(err.toString())
        .isZero();
    JsonNode json = Json.MAPPER.readTree(out.toString());
    assertThat(json.path("rows").asInt()).isEqualTo(2);
    assertThat(json.path("length").asInt()).isEqualTo(24);
    try (SafeTensors reference = SafeTensors.open(input);
        SafeTensors found = SafeTensors.open(output)) {
      String[] expected =
          reference.names().stream()
              .filter(
                  name ->
                      name.startsWith(layer + ".")
                          || name.equals("logits")
                          || name.equals("token_loss"))
              .toArray(String[]::new);
      assertThat(found.names()).containsExactlyInAnyOrder(expected);
      for (String name : found.names()) {
        found.expectShape(name, reference.info(name).shape());
        float[] here = found.floats(name);
        float[] there = reference.floats(name);
        for (int i = 0; i < here.length; i++) {
          assertThat(Math.abs(here[i] - there[i])).as(name).isLessThan(2e-5f);
        }
      }
      double mean =
          Arrays.stream(Json.MAPPER.convertValue(found.floats("token_loss"), double[].class))
              .average()
              .orElseThrow();
      assertThat(json.path("mean_loss").asDouble()).isCloseTo(mean, within(1e-9));
    }
  }

  @Test
  void theFullModuleNameMeansTheSame() {
    Path model = TestModels.golden("gpt_neox");
    Path output = folder.resolve("out.safetensors");
    assertThat(
            run(
                model,
                model.resolve("reference.safetensors"),
                output,
                "--hookpoint",
                "gpt_neox.layers.2.mlp"))
        .isZero();
    assertThat(out.toString()).startsWith("2 × 24 tokens, mean loss 4.7");
    try (SafeTensors found = SafeTensors.open(output)) {
      assertThat(found.names())
          .contains("gpt_neox.layers.2.mlp.output", "gpt_neox.layers.2.mlp.input");
    }
  }

  @Test
  void manyRowsAreTheSameAsFew() {
    Path model = TestModels.golden("mistral");
    int rows = 400;
    long[] ids = new long[rows * 24];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = (i * 37L + i / 24) % 101;
    }
    Path all = input("all", new long[] {rows, 24}, ids);
    long[] tail = Arrays.copyOfRange(ids, 398 * 24, ids.length);
    Path last = input("last", new long[] {2, 24}, tail);
    assertThat(run(model, all, folder.resolve("a"), "--hook", "layers.2")).isZero();
    assertThat(run(model, last, folder.resolve("b"), "--hook", "layers.2")).isZero();
    try (SafeTensors a = SafeTensors.open(folder.resolve("a"));
        SafeTensors b = SafeTensors.open(folder.resolve("b"))) {
      for (String name : b.names()) {
        float[] few = b.floats(name);
        float[] many = a.floats(name);
        for (int i = 0; i < few.length; i++) {
          assertThat(many[many.length - few.length + i]).as(name).isCloseTo(few[i], within(2e-5f));
        }
      }
    }
  }

  @Test
  void oneTokenHasNoLoss() {
    Path one = input("one", new long[] {1, 1}, new long[] {5});
    assertThat(run(TestModels.golden("gpt2"), one, folder.resolve("o"), "--json")).isZero();
    assertThat(out.toString()).contains("\"mean_loss\":null");
    try (SafeTensors found = SafeTensors.open(folder.resolve("o"))) {
      found.expectShape("token_loss", 1, 0);
      found.expectShape("logits", 1, 1, 101);
    }
  }

  @Test
  void wrongUseIsToldInOneLine() throws IOException {
    Path model = TestModels.golden("gpt2");
    Path good = model.resolve("reference.safetensors");
    Path output = folder.resolve("out.safetensors");
    fails(
        2,
        "no hookpoint 'h.7.mlp': this gpt2 has h.0, h.0.attn, h.0.mlp",
        model,
        good,
        output,
        "--hook",
        "h.7.mlp");
    fails(
        2,
        "token id 101 (row 0, position 1) is outside the vocabulary of 101",
        model,
        input("x", new long[] {1, 2}, new long[] {0, 101}),
        output);
    fails(
        1,
        "tensor 'input_ids' has -3 at row 0, position 1",
        model,
        input("x", new long[] {1, 2}, new long[] {0, -3}),
        output);
    fails(
        1, "expected [rows, tokens]", model, input("x", new long[] {2}, new long[] {0, 1}), output);
    fails(
        2,
        "sequences of 65 tokens: this model has 64 positions",
        model,
        input("x", new long[] {1, 65}, new long[65]),
        output);
    fails(1, "no tensor 'input_ids'", model, model.resolve("model.safetensors"), output);
    fails(1, "cannot read " + folder.resolve("none"), model, folder.resolve("none"), output);
    fails(2, "no model folder", folder.resolve("none"), good, output);
    fails(2, "has no config.json", folder, good, output);
    Path file = Files.writeString(folder.resolve("file"), "in the way");
    fails(1, "cannot write", model, good, file.resolve("out.safetensors"));
    fails(2, "--threads is 0", model, good, output, "--threads", "0");
    assertThat(output).doesNotExist();
    assertThat(Palimpsest.run(new PrintWriter(out), new PrintWriter(err, true), "activations"))
        .isEqualTo(2);
  }

  private void fails(
      int status, String message, Path model, Path input, Path output, String... more) {
    err.getBuffer().setLength(0);
    assertThat(run(model, input, output, more)).as(err.toString()).isEqualTo(status);
    assertThat(err.toString()).contains(message).hasLineCount(1).doesNotContain("\tat ");
  }

  private int run(Path model, Path input, Path output, String... more) {
    String[] start = {
      "activations", model.toString(), "--input", input.toString(), "--out", output.toString()
    };
    String[] all = Arrays.copyOf(start, start.length + more.length);
    System.arraycopy(more, 0, all, start.length, more.length);
    return Palimpsest.run(new PrintWriter(out, true), new PrintWriter(err, true), all);
  }

  private Path input(String name, long[] shape, long[] ids) {
    Path file = folder.resolve(name + ".safetensors");
    new SafeTensorsWriter().add("input_ids", shape, ids).write(file);
    return file;
  }
}
