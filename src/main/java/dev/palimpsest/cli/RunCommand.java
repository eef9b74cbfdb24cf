package dev.palimpsest.cli;

import dev.palimpsest.experiment.Experiments;
import java.nio.file.Path;
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
  @Mixin private StrictOption strict;
  @Mixin private ForceOption force;
  @Mixin private ReplaceTextsOption replaceTexts;
  @Mixin private OutputOptions output;

  @Override
  public Integer call() {
    Experiments.Plan plan = Experiments.fromFile(file, options.assignments(strict));
    return ExperimentCommands.runAll(plan, out, force, replaceTexts, output, spec.commandLine());
  }
}
