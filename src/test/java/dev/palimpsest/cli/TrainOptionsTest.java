package dev.palimpsest.cli;

import static dev.palimpsest.cli.TrainRuns.palimpsest;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine.Model.CommandSpec;

/** How {@code train} and the others read what a person may write in several ways. */
class TrainOptionsTest {
  @TempDir Path folder;

  private static CommandSpec train(String... words) {
    List<String> all = new ArrayList<>(List.of("train", "--out", "nowhere"));
    all.addAll(Arrays.asList(words));
    return Palimpsest.commandLine()
        .parseArgs(all.toArray(String[]::new))
        .subcommand()
        .commandSpec();
  }

  private static Object model(CommandSpec command) {
    return command.positionalParameters().get(0).getValue();
  }

  private static Object option(CommandSpec command, String name) {
    return command.findOption(name).getValue();
  }

  private Path model() throws IOException {
    Path model = Files.createDirectories(folder.resolve("layers.3.model"));
    Files.writeString(model.resolve("config.json"), "{}");
    return model;
  }

  @Test
  void theModelIsNotAHookpoint() throws IOException {
    Path model = model();
    for (String word : List.of(model.toString(), "embedded", "some/where", "/some/where")) {
      CommandSpec command = train("--hookpoint", "layers.2.mlp", word);
      assertThat(option(command, "--hookpoint")).isEqualTo(List.of("layers.2.mlp"));
      assertThat(model(command)).isEqualTo(word);
    }
    CommandSpec several =
        train("--hookpoint", "layers.2.mlp", "h.[0-3]", "layers.*.mlp", "embedded");
    assertThat(option(several, "--hookpoint"))
        .isEqualTo(List.of("layers.2.mlp", "h.[0-3]", "layers.*.mlp"));
    assertThat(model(several)).isEqualTo("embedded");
    CommandSpec repeated = train("--hookpoint", "layers.2", "--hookpoint=layers.1", "embedded");
    assertThat(option(repeated, "--hookpoint")).isEqualTo(List.of("layers.2", "layers.1"));
    assertThat(model(repeated)).isEqualTo("embedded");
  }

  @Test
  void theModelIsNotAText() throws IOException {
    Path model = model();
    Path named = Files.writeString(folder.resolve("without-ending"), "text");
    for (String word : List.of("embedded", model.toString(), "some/where")) {
      CommandSpec command =
          train("--hookpoint", "layers.2", "--data", "x.jsonl", "y.txt.gz", named.toString(), word);
      assertThat(texts(command)).isEqualTo(List.of("x.jsonl", "y.txt.gz", named.toString()));
      assertThat(model(command)).isEqualTo(word);
    }
    CommandSpec both = train("--hookpoint", "layers.2", "--data", "x.bin", "--data", "embedded");
    assertThat(texts(both)).isEqualTo(List.of("x.bin", "embedded"));
    CommandSpec only = train("--data", "embedded", "--hookpoint", "layers.2");
    assertThat(texts(only)).isEqualTo(List.of("embedded"));
  }

  private static Object texts(CommandSpec command) {
    return option(command, "--data");
  }

  @Test
  void theModelIsNotASeed() {
    CommandSpec command =
        train("--hookpoint", "layers.2", "--seed", "3", "-4", "1_000", "embedded");
    assertThat(option(command, "--seed")).isEqualTo(List.of(3L, -4L, 1000L));
    assertThat(model(command)).isEqualTo("embedded");
  }

  @Test
  void wholeNumbersAreReadAsPeopleWriteThem() {
    for (String[] pair :
        new String[][] {
          {"1e6", "1000000"},
          {"1_000_000", "1000000"},
          {"2.5e3", "2500"},
          {"1E+4", "10000"},
          {"7", "7"}
        }) {
      CommandSpec command =
          train("--hookpoint", "layers.2", "--tokens", pair[0], "--batch-tokens", pair[0]);
      assertThat(option(command, "--tokens")).isEqualTo(Long.valueOf(pair[1]));
      assertThat(option(command, "--batch-tokens")).isEqualTo(Integer.valueOf(pair[1]));
    }
    for (String word : List.of("1.5", "many", "1e99", "10e-1", "_1", "1__0", "0x10", "NaN")) {
      TrainRuns.Outcome outcome =
          palimpsest("train", "--out", "no", "--hookpoint", "layers.2", "--tokens", word);
      assertThat(outcome.status()).isEqualTo(2);
      assertThat(outcome.err()).contains("--tokens", word, "whole number").hasLineCount(1);
    }
    TrainRuns.Outcome large =
        palimpsest("train", "--out", "no", "--hookpoint", "layers.2", "--ctx-len", "1e10");
    assertThat(large.status()).isEqualTo(2);
    assertThat(large.err()).contains("--ctx-len", "1e10").hasLineCount(1);
    TrainRuns.Outcome seed =
        palimpsest("train", "--out", "no", "--hookpoint", "layers.2", "--seed", "x");
    assertThat(seed.status()).isEqualTo(2);
    assertThat(seed.err()).contains("--seed", "whole number").hasLineCount(1);
  }

  @Test
  void aValueThatIsMissingIsSaid() {
    for (String option : List.of("--hookpoint", "--data", "--seed")) {
      TrainRuns.Outcome outcome = palimpsest("train", "--out", "no", option, "--quiet");
      assertThat(outcome.status()).isEqualTo(2);
      assertThat(outcome.err()).contains(option).hasLineCount(1);
      TrainRuns.Outcome last = palimpsest("train", "--out", "no", option);
      assertThat(last.status()).isEqualTo(2);
      assertThat(last.err()).contains(option).hasLineCount(1);
    }
  }
}
