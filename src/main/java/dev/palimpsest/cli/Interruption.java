package dev.palimpsest.cli;

import java.util.Arrays;
import java.util.Set;

/** What to say to a person who has stopped a command (Ctrl-C, or a signal to end). */
final class Interruption {
  /** Commands that keep what they have done in a run directory. */
  private static final Set<String> RESUMABLE =
      Set.of("run", "demo", "train", "cache", "explain", "score", "simulate", "rewrite", "report");

  private Interruption() {}

  /**
   * One line that says how to go on.
   *
   * @param arguments of the process
   */
  static String line(String[] arguments) {
    String command =
        Arrays.stream(arguments).filter(word -> !word.startsWith("-")).findFirst().orElse("");
    return "palimpsest: interrupted; "
        + (RESUMABLE.contains(command)
            ? "the same command again goes on from what is done"
            : "nothing was written");
  }
}
