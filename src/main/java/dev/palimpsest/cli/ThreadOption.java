package dev.palimpsest.cli;

import dev.palimpsest.train.Training;
import picocli.CommandLine.Option;

/** How many threads a command computes with. */
final class ThreadOption {
  /** Of the option, wherever it is offered. */
  static final String DESCRIPTION =
      "0: all processors; at most 256, or as many as there are processors.";

  @Option(
      names = "--threads",
      paramLabel = "P",
      defaultValue = "0",
      description = ThreadOption.DESCRIPTION)
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
