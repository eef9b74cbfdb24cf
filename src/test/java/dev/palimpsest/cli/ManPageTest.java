package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

class ManPageTest {
  @Test
  void everyCommandAndOptionIsOnThePage() {
    CommandLine root = Palimpsest.commandLine();
    String page = ManPage.of(root);
    assertThat(page).startsWith(".TH \"PALIMPSEST\" \"1\"").contains(".SH \"COMMANDS\"");
    for (CommandLine command : root.getSubcommands().values()) {
      assertThat(page)
          .contains(".SS \"" + command.getCommandSpec().qualifiedName().replace("-", "\\-"));
      command
          .getCommandSpec()
          .options()
          .forEach(option -> assertThat(page).contains(option.longestName().replace("-", "\\-")));
    }
  }

  @Test
  void textIsNeverTakenForMacros() {
    CommandSpec odd = CommandSpec.create().name("odd");
    odd.usageMessage().description(".SH not a heading");
    odd.addOption(OptionSpec.builder("--path").description("'quoted' with a back\\slash").build());
    String page = ManPage.of(new CommandLine(odd));
    assertThat(page.lines().filter(line -> line.startsWith(".SH not"))).isEmpty();
    assertThat(page).contains("\\&'quoted' with a back\\eslash");
  }

  @Test
  void theCompletionKnowsTheCommands() {
    StringWriter out = new StringWriter();
    int exit =
        Palimpsest.run(
            new PrintWriter(out, true), new PrintWriter(new StringWriter()), "completion");
    assertThat(exit).isZero();
    assertThat(out.toString()).contains("complete -F", "rewrite", "--num-latents");
  }
}
