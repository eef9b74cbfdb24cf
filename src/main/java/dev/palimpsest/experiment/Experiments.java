package dev.palimpsest.experiment;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.run.RunDirectory;
import java.nio.file.Path;
import java.util.List;

/** Where an experiment's settings come from. */
public final class Experiments {
  private Experiments() {}

  /**
   * An experiment ready to run.
   *
   * @param config resolved settings
   */
  public record Plan(ExperimentConfig config) {}

  /** From a file of a person's; {@code assignments} are KEY=VALUE and beat the file. */
  public static Plan fromFile(Path file, List<String> assignments) {
    return plan(ConfigFiles.read(file), file.toString(), assignments);
  }

  /** One that comes with the program: {@code demo} or {@code demo-short}. */
  public static Plan builtIn(String name, List<String> assignments) {
    return plan(ConfigFiles.builtIn(name), name + ".yaml", assignments);
  }

  /** From the {@code config.yaml} of a run directory. */
  public static Plan fromRun(Path run, List<String> assignments) {
    Path file = RunDirectory.existing(run).config();
    return plan(ConfigFiles.read(file), file.toString(), assignments);
  }

  private static Plan plan(ObjectNode tree, String source, List<String> assignments) {
    for (String assignment : assignments) {
      ConfigFiles.set(tree, assignment);
    }
    return new Plan(ConfigFiles.resolve(tree, source));
  }
}
