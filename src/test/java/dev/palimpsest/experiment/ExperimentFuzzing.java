package dev.palimpsest.experiment;

import java.nio.file.Path;

/** The reader of experiments for tests of other packages. */
public final class ExperimentFuzzing {
  private ExperimentFuzzing() {}

  /** Reads and resolves an experiment's file, without what needs the model. */
  public static void read(Path file) {
    ConfigFiles.resolve(ConfigFiles.read(file), file.toString());
  }
}
