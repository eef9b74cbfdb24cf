package dev.palimpsest.cli;

import dev.palimpsest.base.Json;
import dev.palimpsest.experiment.Doctor;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code palimpsest doctor}: what this machine offers, what is missing, and why. */
@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    description =
        "Says what this machine offers: processor, GPU, libraries; what is missing and why.")
final class DoctorCommand implements Callable<Integer> {
  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  private static final int WIDTH = 100;

  /** As wide as what stands before a finding: mark, name, blanks. */
  private static final String INDENT = " ".repeat(29);

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    Doctor.Diagnosis diagnosis = Doctor.examine();
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(Json.line(diagnosis));
    } else {
      out.println("palimpsest " + diagnosis.environment().palimpsest());
      out.println(diagnosis.environment().java() + ", " + diagnosis.environment().os());
      for (Doctor.Finding finding : diagnosis.findings()) {
        out.println(
            String.format(
                Locale.ROOT,
                "%s %-26s %s",
                mark(finding.state()),
                finding.name(),
                wrapped(finding.found())));
        if (!finding.advice().isEmpty()) {
          out.println(INDENT + "→ " + wrapped(finding.advice()));
        }
      }
    }
    return diagnosis.healthy() ? 0 : 1;
  }

  /** A text in lines of which none is longer than a terminal is wide, if words allow it. */
  private static String wrapped(String text) {
    StringBuilder lines = new StringBuilder();
    int column = 0;
    for (String word : text.split(" ", -1)) {
      if (column > 0 && column + 1 + word.length() > WIDTH - INDENT.length()) {
        lines.append(System.lineSeparator()).append(INDENT);
        column = 0;
      }
      lines.append(column > 0 ? " " : "").append(word);
      column += (column > 0 ? 1 : 0) + word.length();
    }
    return lines.toString();
  }

  private static String mark(Doctor.State state) {
    return switch (state) {
      case PRESENT -> "✓";
      case ABSENT -> "–";
      case BROKEN -> "✗";
    };
  }
}
