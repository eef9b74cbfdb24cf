package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
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
}
