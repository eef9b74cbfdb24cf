package dev.palimpsest.cli;

import dev.palimpsest.train.Training;
import picocli.CommandLine.Option;

/** How many threads a command computes with. */
final class ThreadOption {
  @Option(
      names = "--threads",
      paramLabel = "P",
      defaultValue = "0",
      description = "0: all processors; at most 256.")
  private int threads;

  /** The number given; 0: all processors. */
  int threads() {
    return threads;
  }

  /** Sets them for the whole process. */
  void use() {
    Training.useThreads(threads);
  }
}
