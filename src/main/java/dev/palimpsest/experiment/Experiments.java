package dev.palimpsest.experiment;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.base.FileDigests;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Quoted;
import dev.palimpsest.results.Protocol;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.run.StageLedger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Where an experiment's settings come from. */
public final class Experiments {
  private Experiments() {}

  /**
   * An experiment ready to run.
   *
   * @param config resolved settings; paths are absolute, so that a later command may be given from
   *     another folder
   */
  public record Plan(ExperimentConfig config) {}

  /** From a file of a person's; {@code assignments} are KEY=VALUE and beat the file. */
  public static Plan fromFile(Path file, List<String> assignments) {
    return resolved(ConfigFiles.read(file), file.toString(), assignments);
  }

  /** One that comes with the program: {@code demo} or {@code demo-short}. */
  public static Plan builtIn(String name, List<String> assignments) {
    return resolved(ConfigFiles.builtIn(name), name + ".yaml", assignments);
  }

  /**
   * From the {@code config.yaml} of a run directory, whose coders have their names already, unless
   * {@code assignments} change them.
   */
  public static Plan fromRun(Path run, List<String> assignments) {
    Path file = RunDirectory.existing(run).config();
    ObjectNode tree = ConfigFiles.read(file);
    return assignments.stream().anyMatch(each -> each.matches("(?s)(coder|model).*"))
        ? resolved(tree, file.toString(), assignments)
        : plan(tree, file.toString(), assignments);
  }

  /**
   * The settings of a single command, for a run directory: over its {@code config.yaml} where there
   * is one, else over the defaults.
   *
   * @param settings in the form of an experiment's file
   * @param run the run directory, which may be missing
   * @param anew whether what is in it does not count
   * @param source of the settings, for messages
   */
  public static Plan fromSettings(ObjectNode settings, Path run, boolean anew, String source) {
    Path file = new RunDirectory(run).config();
    ObjectNode below =
        !anew && Files.isRegularFile(file) ? ConfigFiles.read(file) : ConfigFiles.defaults();
    return resolved(ConfigFiles.laidOver(below, settings, source), source, List.of());
  }

  private static Plan resolved(ObjectNode tree, String source, List<String> assignments) {
    return new Plan(CoderEntries.resolved(plan(tree, source, assignments).config()));
  }

  /** Paths count from the folder in which a command is given, and are kept whole from then on. */
  private static ExperimentConfig withWholePaths(ExperimentConfig config) {
    return config
        .withInputs(
            SourcePaths.whole(config.model()),
            config.data().files().stream().map(SourcePaths::whole).toList())
        .withTrain(
            config.train().withActivations(config.train().activations().map(SourcePaths::whole)))
        .withCoders(
            config.coders().stream()
                .map(coder -> coder.withPath(coder.path().map(SourcePaths::whole)))
                .toList())
        .withWholePrompts();
  }

  /**
   * Makes sure that a run's main result is what its files as they are now would give.
   *
   * @throws PalimpsestException naming what has changed since
   */
  public static void requireCurrentResult(Path folder) {
    RunDirectory run = RunDirectory.existing(folder);
    ExperimentConfig config = ConfigFiles.readResolved(run.config());
    FileDigests digests = FileDigests.at(run.digests());
    StagePlan plan =
        new StagePlan(
            config,
            run,
            RunInputs.asFarAsThere(config, run, digests),
            new StageLedger(run, digests),
            digests,
            CoderUnit.main(config));
    plan.staleLosses(Protocol.ALL_TOKENS)
        .ifPresent(
            reason -> {
              throw new PalimpsestException(
                  run.rewrite() + " is out of date (" + reason + "): run 'rewrite' first");
            });
  }

  private static Plan plan(ObjectNode tree, String source, List<String> assignments) {
    ExperimentConfig config = ConfigFiles.resolve(tree, source);
    for (String assignment : assignments) {
      ConfigFiles.set(tree, assignment);
      // One by one, so that a value which cannot be read is not blamed on the file.
      config = ConfigFiles.resolve(tree, "--set " + Quoted.of(assignment));
    }
    return new Plan(withWholePaths(config));
  }
}
