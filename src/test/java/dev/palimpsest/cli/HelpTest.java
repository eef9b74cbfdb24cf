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
    assertThat(options("report")).doesNotContain("--strict", "--force", "--seed", "--precision");
    assertThat(options("run")).contains("--seed", "--precision");
    assertThat(options("rewrite")).contains("--precision").doesNotContain("--seed");
  }

  @Test
  void whatIsRequiredHasNoDefault() {
    for (CommandLine command : all(Palimpsest.commandLine())) {
      for (CommandLine.Model.ArgSpec argument : command.getCommandSpec().args()) {
        if (argument.required()
            && argument.initialValue() != null
            && command.getCommandSpec().usageMessage().showDefaultValues()) {
          assertThat(argument.showDefaultValue())
              .as(command.getCommandSpec().qualifiedName() + " " + argument.paramLabel())
              .isEqualTo(CommandLine.Help.Visibility.NEVER);
        }
      }
    }
  }

  @Test
  void theListOfCommandsFollowsTheRoad() {
    String help = Palimpsest.commandLine().getUsageMessage();
    assertThat(help).doesNotContain("Others:");
    int before = -1;
    for (String command :
        List.of(
            "A whole experiment:",
            "  demo ",
            "  run ",
            "Its stages, in order:",
            "  train ",
            "  cache ",
            "  explain ",
            "  score ",
            "  simulate ",
            "  rewrite ",
            "  report ",
            "Looking closer:",
            "  inspect ",
            "The program itself:",
            "  doctor ")) {
      assertThat(help.indexOf("\n" + command)).as(command).isGreaterThan(before);
      before = help.indexOf("\n" + command);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "nope|there is no command 'nope'",
        "demo more|'more' is one argument too many",
        "demo --threads 1.5|--threads: '1.5' is not a whole number",
        "demo --short=maybe|--short: 'maybe' is neither true nor false",
        "rewrite R --until-ci abc|--until-ci: 'abc' is not a number such as 0.05",
        "rewrite R --until-ci NaN|--until-ci: 'NaN' is not a number such as 0.05",
        "inspect R x|LATENT: 'x' is not a whole number",
        "inspect R 1 --colour blue|--colour: found 'blue', expected one of auto, always, never",
        "eval c --split foo|--split: found 'foo', expected one of train, explain, score",
        "train --out|--out needs a value, DIR",
        "train --out a --out b|--out is given twice",
        "train --nope|there is no option '--nope'",
      })
  void faultsAreSaidInPlainWords(String typed, String said) {
    StringWriter err = new StringWriter();
    int exit =
        Palimpsest.run(
            new PrintWriter(new StringWriter()), new PrintWriter(err, true), typed.split(" "));
    assertThat(exit).isEqualTo(2);
    assertThat(err.toString())
        .contains(said)
        .contains("--help'")
        .doesNotContain("index", "positional", "case-insensitive", "boolean", "double")
        .hasLineCount(1);
  }

  private static Set<String> options(String command) {
    CommandLine found = Palimpsest.commandLine().getSubcommands().get(command);
    return Objects.requireNonNull(found, command).getCommandSpec().optionsMap().keySet();
  }
}
