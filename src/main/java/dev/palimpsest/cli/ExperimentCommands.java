package dev.palimpsest.cli;

import dev.palimpsest.experiment.ExperimentRunner;
import dev.palimpsest.experiment.Experiments;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.run.StageName;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/** What the commands over experiments share. */
final class ExperimentCommands {
  private ExperimentCommands() {}

  /** Every stage; {@code out} defaults to a folder below {@code runs}. */
  static int runAll(
      Experiments.Plan plan,
      @Nullable Path out,
      ExperimentOptions options,
      OutputOptions output,
      CommandLine line) {
    Path folder = out == null ? Path.of("runs").resolve(plan.config().name()) : out;
    return run(plan, folder, EnumSet.allOf(StageName.class), options, output, line);
  }

  /** The wanted stages. */
  static int run(
      Experiments.Plan plan,
      Path folder,
      Set<StageName> stages,
      ExperimentOptions options,
      OutputOptions output,
      CommandLine line) {
    ExperimentRunner.Result result =
        new ExperimentRunner(
                plan.config(), new RunDirectory(folder), output.log(line.getErr()), options.force())
            .run(stages);
    output.print(line.getOut(), result, String.join(System.lineSeparator(), result.summary()));
    return CommandLine.ExitCode.OK;
  }
}
