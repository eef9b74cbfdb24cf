package dev.palimpsest.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Help.Column;
import picocli.CommandLine.Help.Column.Overflow;
import picocli.CommandLine.Help.TextTable;
import picocli.CommandLine.Model.UsageMessageSpec;

/** The list of commands in the order in which they are met on the road, under headings. */
final class CommandGroups {
  private static final Map<String, List<String>> GROUPS = new LinkedHashMap<>();

  static {
    GROUPS.put("A whole experiment", List.of("demo", "run"));
    GROUPS.put(
        "Its stages, in order",
        List.of(
            "cache-activations",
            "train",
            "cache",
            "explain",
            "score",
            "simulate",
            "rewrite",
            "report"));
    GROUPS.put(
        "Looking closer",
        List.of(
            "inspect",
            "texts",
            "results",
            "eval",
            "ask",
            "activations",
            "encode",
            "shuffle-weights"));
    GROUPS.put("The program itself", List.of("doctor", "bench", "help", "completion", "man"));
  }

  private CommandGroups() {}

  /** Shows a command's help with them. */
  static CommandLine shownIn(CommandLine line) {
    line.getHelpSectionMap().put(UsageMessageSpec.SECTION_KEY_COMMAND_LIST_HEADING, help -> "");
    line.getHelpSectionMap().put(UsageMessageSpec.SECTION_KEY_COMMAND_LIST, CommandGroups::render);
    return line;
  }

  private static String render(Help help) {
    Map<String, Help> left = new LinkedHashMap<>(help.subcommands());
    StringBuilder text = new StringBuilder();
    GROUPS.forEach(
        (heading, names) -> {
          List<Help> group = new ArrayList<>();
          names.stream().filter(left::containsKey).map(left::remove).forEach(group::add);
          append(text, heading, group, help);
        });
    // A command that nobody has put anywhere is still shown.
    append(text, "Others", List.copyOf(left.values()), help);
    return text.toString();
  }

  private static void append(StringBuilder text, String heading, List<Help> group, Help all) {
    if (group.isEmpty()) {
      return;
    }
    int width = all.commandSpec().usageMessage().width();
    int names = 2 + all.subcommands().keySet().stream().mapToInt(String::length).max().orElse(0);
    TextTable table =
        TextTable.forColumns(
            all.colorScheme(),
            new Column(names, 2, Overflow.SPAN),
            new Column(width - names, 2, Overflow.WRAP));
    for (Help command : group) {
      UsageMessageSpec usage = command.commandSpec().usageMessage();
      String[] lines = usage.header().length > 0 ? usage.header() : usage.description();
      String first = Arrays.stream(lines).findFirst().orElse("");
      table.addRowValues(
          command.commandNamesText(", "), all.colorScheme().text(first.replace("%%", "%")));
    }
    text.append(String.format("%n%s:%n", heading)).append(table);
  }
}
