package dev.palimpsest.cli;

import dev.palimpsest.base.BuildInfo;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/**
 * A command and its subcommands as one manual page, in the macros of {@code man(7)}. Picocli's own
 * generator stops at AsciiDoc, which takes a second program to become a page.
 */
final class ManPage {
  private final StringBuilder page = new StringBuilder();

  private ManPage() {}

  /** The page of a command with all that it contains. */
  static String of(CommandLine root) {
    ManPage made = new ManPage();
    CommandSpec spec = root.getCommandSpec();
    made.macro("TH", spec.name().toUpperCase(Locale.ROOT), "1", "", BuildInfo.get().describe());
    made.macro("SH", "NAME");
    made.text(spec.name() + " - " + String.join(" ", spec.usageMessage().description()));
    made.macro("SH", "SYNOPSIS");
    made.text(synopsis(root));
    made.macro("SH", "OPTIONS");
    made.arguments(spec);
    made.macro("SH", "COMMANDS");
    made.commands(root);
    made.macro("SH", "NOTES");
    made.paragraphs(spec.usageMessage().footer());
    return made.page.toString();
  }

  private void commands(CommandLine parent) {
    for (CommandLine command : parent.getSubcommands().values()) {
      CommandSpec spec = command.getCommandSpec();
      macro("SS", spec.qualifiedName());
      paragraphs(spec.usageMessage().description());
      paragraph(synopsis(command));
      arguments(spec);
      paragraphs(spec.usageMessage().footer());
      commands(command);
    }
  }

  private void arguments(CommandSpec spec) {
    for (PositionalParamSpec parameter : spec.positionalParameters()) {
      argument(parameter.paramLabel(), parameter.description());
    }
    for (OptionSpec option : spec.options()) {
      String label = option.arity().max() == 0 ? "" : " " + option.paramLabel();
      argument(String.join(", ", option.names()) + label, option.description());
    }
  }

  private void argument(String name, String[] description) {
    macro("TP");
    page.append("\\fB").append(escaped(name)).append("\\fR\n");
    text(String.join(" ", description));
  }

  private static String synopsis(CommandLine command) {
    Help help = new Help(command.getCommandSpec(), Help.defaultColorScheme(Help.Ansi.OFF));
    return help.synopsis(0).replaceAll("\\s+", " ").strip();
  }

  /** Lines of help: one that does not begin a sentence goes on with the one before. */
  private void paragraphs(String[] lines) {
    StringBuilder joined = new StringBuilder();
    for (String line : lines) {
      boolean goesOn = !line.isBlank() && Character.isLowerCase(line.strip().charAt(0));
      if (!goesOn) {
        paragraph(joined.toString());
        joined.setLength(0);
      }
      joined.append(joined.length() == 0 ? "" : " ").append(line.strip());
    }
    paragraph(joined.toString());
  }

  private void paragraph(String line) {
    if (!line.isBlank()) {
      macro("PP");
      text(line);
    }
  }

  private void macro(String name, String... arguments) {
    page.append('.').append(name);
    for (String argument : arguments) {
      page.append(" \"").append(escaped(argument).replace("\"", "\\(dq")).append('"');
    }
    page.append('\n');
  }

  private void text(String line) {
    page.append(escaped(line)).append('\n');
  }

  /** Text that no macro and no escape is read into. */
  private static String escaped(String text) {
    String plain = Help.Ansi.OFF.string(text).replace("\\", "\\e").replace("-", "\\-");
    return plain.startsWith(".") || plain.startsWith("'") ? "\\&" + plain : plain;
  }
}
