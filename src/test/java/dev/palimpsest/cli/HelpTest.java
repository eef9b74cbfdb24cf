package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** What every command says about itself. */
class HelpTest {
  @Test
  void noHelpShowsWhatOnlyAProgrammerUnderstands() {
    for (CommandLine command : all(Palimpsest.commandLine())) {
      assertThat(command.getUsageMessage())
          .as(command.getCommandSpec().qualifiedName())
          .doesNotContain("Optional.empty", "Optional[", ": null", "@");
    }
  }

  @Test
  void everyCommandAndOptionIsDescribed() {
    for (CommandLine command : all(Palimpsest.commandLine())) {
      String name = command.getCommandSpec().qualifiedName();
      assertThat(command.getCommandSpec().usageMessage().description()).as(name).isNotEmpty();
      command
          .getCommandSpec()
          .options()
          .forEach(
              option ->
                  assertThat(option.description())
                      .as(name + " " + option.longestName())
                      .isNotEmpty());
    }
  }

  private static List<CommandLine> all(CommandLine root) {
    List<CommandLine> found = new ArrayList<>(List.of(root));
    root.getSubcommands().values().forEach(child -> found.addAll(all(child)));
    return found;
  }

  @ParameterizedTest
  @CsvSource({
    "--hookpiont,--hookpoint",
    "--hookpiont=layers.1,--hookpoint",
    "--num-latens,--num-latents",
  })
  void aMisspeltOptionIsNamed(String typed, String meant) {
    StringWriter err = new StringWriter();
    int exit =
        Palimpsest.run(
            new PrintWriter(new StringWriter()),
            new PrintWriter(err, true),
            "train",
            "embedded",
            typed,
            "7",
            "--out",
            "x");
    assertThat(exit).isEqualTo(2);
    assertThat(err.toString())
        .contains("'" + typed.split("=", 2)[0] + "'", "did you mean", meant)
        .doesNotContain("'7'")
        .hasLineCount(1);
  }

  @Test
  void optionsAreOfferedOnlyWhereTheyDoSomething() {
    for (String command : List.of("run", "demo", "explain", "score", "simulate", "rewrite")) {
      assertThat(options(command)).as(command).contains("--strict", "--force");
    }
    assertThat(options("cache")).contains("--force").doesNotContain("--strict");
    assertThat(options("report")).doesNotContain("--strict", "--force");
  }

  private static Set<String> options(String command) {
    CommandLine found = Palimpsest.commandLine().getSubcommands().get(command);
    return Objects.requireNonNull(found, command).getCommandSpec().optionsMap().keySet();
  }
}
