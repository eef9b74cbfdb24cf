package dev.palimpsest.cli;

import dev.palimpsest.base.Json;
import dev.palimpsest.report.TokenText;
import java.io.PrintWriter;
import picocli.CommandLine.Option;

/** How a command speaks: mixed into every command that takes a while or has a result. */
final class OutputOptions {
  @Option(names = "--json", description = "Print one JSON object with the result on stdout.")
  private boolean json;

  @Option(
      names = {"-q", "--quiet"},
      description = "No progress on stderr; failures still go there.")
  private boolean quiet;

  /** Whether results are asked for as JSON. */
  boolean json() {
    return json;
  }

  ConsoleLog log(PrintWriter err) {
    return new ConsoleLog(err, quiet);
  }

  /**
   * Prints the result as one line of JSON, or as text for people, in which nothing can speak to the
   * terminal: it may quote a file.
   */
  void print(PrintWriter out, Object result, String text) {
    if (json) {
      out.println(Json.line(result));
    } else if (!text.isEmpty()) {
      out.println(TokenText.prose(text));
    }
  }
}
