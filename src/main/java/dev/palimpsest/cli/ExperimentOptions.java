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
        "Change one setting, e.g. --set train.tokens=1000000 or --set 'data.files=[a.txt,b.jsonl]'; repeatable.",
        "config.yaml in a run directory lists them all."
      })
  private List<String> assignments = new ArrayList<>();

  @Option(names = "--seed", paramLabel = "S", description = "Seed of everything that is drawn.")
  private @Nullable Long seed;

  @Option(names = "--threads", paramLabel = "P", description = "Threads; 0 for all processors.")
  private @Nullable Integer threads;

  @Option(
      names = "--force",
      description = "Repeat stages that are finished, even where nothing has changed.")
  private boolean force;

  boolean force() {
    return force;
  }

  /** Every change asked for, as KEY=VALUE, in the order in which they are to be made. */
  List<String> assignments() {
    List<String> all = new ArrayList<>(assignments);
    if (seed != null) {
      all.add("seed=" + seed);
    }
    if (threads != null) {
      all.add("threads=" + threads);
    }
    return all;
  }
}
