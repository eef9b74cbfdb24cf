package dev.palimpsest.cli;

import java.util.List;
import picocli.CommandLine.Option;

/** Whether faults of texts end the command; of commands that read texts in order to use them. */
final class StrictOption {
  @Option(
      names = "--strict",
      description =
          "Names in explanations that no token has, and so never match, are errors, not warnings.")
  private boolean strict;

  /** The setting, as KEY=VALUE. */
  List<String> assignments() {
    return strict ? List.of("strict=true") : List.of();
  }
}
