package dev.palimpsest.cli;

import dev.palimpsest.experiment.Experiments;
import dev.palimpsest.experiment.RunRequest;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code palimpsest run}: a whole experiment from its file, resumable at every stage. */
@Command(
    name = "run",
    mixinStandardHelpOptions = true,
    description = {
      "Runs a whole experiment from a file: train, cache, explain, score, simulate, rewrite,"
          + " report.",
      "Run again after an interruption, it does only what is missing."
    })
final class RunCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      index = "0",
      paramLabel = "EXPERIMENT.yaml",
      description = "Settings that differ from the defaults; see experiments/.")
  private Path file;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Run directory; default runs/<name of the experiment>.")
  private @Nullable Path out;

  @Mixin private ExperimentOptions options;
  @Mixin private SeedOption seed;
  @Mixin private PrecisionOption precision;
  @Mixin private StrictOption strict;
  @Mixin private ForceOption force;
  @Mixin private ReplaceTextsOption replaceTexts;
  @Mixin private ExplainerOption explainer;
  @Mixin private SimulatorOption simulator;
  @Mixin private BudgetOptions budget;
  @Mixin private OutputOptions output;

  @Override
  public Integer call() {
    List<String> assignments = new ArrayList<>(settings());
    assignments.addAll(explainer.assignments());
    assignments.addAll(simulator.assignments());
    return ExperimentCommands.runAll(
        Experiments.fromFile(file, assignments),
        out,
        budget.limit(RunRequest.everything(force.given(), replaceTexts.given())),
        output,
        spec.commandLine());
  }

  private List<String> settings() {
    List<String> all = new ArrayList<>(options.assignments());
    all.addAll(seed.assignments());
    all.addAll(precision.assignments());
    all.addAll(strict.assignments());
    return all;
  }
}
