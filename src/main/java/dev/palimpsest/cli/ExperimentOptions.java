package dev.palimpsest.cli;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * Settings that any command over an experiment may change; an option beats the file, the file beats
 * the default.
 */
final class ExperimentOptions {
  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = {
        "Change one setting, e.g. --set train.tokens=1000000 or --set 'data.files=[a.txt,b.jsonl]';"
            + " repeatable.",
        "config.yaml in a run directory lists them all."
      })
  private List<String> assignments = new ArrayList<>();

  @Option(
      names = "--threads",
      paramLabel = "P",
      description = "Threads; " + ThreadOption.DESCRIPTION)
  private @Nullable Integer threads;

  @Option(
      names = "--device",
      paramLabel = "cpu|cuda|auto",
      description =
          "Where to compute; auto (the default): on a GPU where one can be used. Which it is, is"
              + " said on stderr.")
  private @Nullable String device;

  /** Every change asked for, as KEY=VALUE, in the order in which they are to be made. */
  List<String> assignments() {
    List<String> all = new ArrayList<>(assignments);
    if (threads != null) {
      all.add("threads=" + threads);
    }
    if (device != null) {
      all.add("device=" + device);
    }
    return all;
  }
}
