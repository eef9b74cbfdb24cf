package dev.palimpsest.cli;

import dev.palimpsest.experiment.ExperimentRunner;
import dev.palimpsest.experiment.Experiments;
import dev.palimpsest.experiment.RunRequest;
import dev.palimpsest.run.RunDirectory;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/** What the commands over experiments share. */
final class ExperimentCommands {
  private ExperimentCommands() {}

  /** Every stage; {@code out} defaults to a folder below {@code runs}. */
  static int runAll(
      Experiments.Plan plan,
      @Nullable Path out,
      RunRequest request,
      OutputOptions output,
      CommandLine line) {
    Path folder = out == null ? Path.of("runs").resolve(plan.config().name()) : out;
    return run(plan, folder, request, output, line);
  }

  /** What is asked for. */
  static int run(
      Experiments.Plan plan,
      Path folder,
      RunRequest request,
      OutputOptions output,
      CommandLine line) {
    ExperimentRunner.Result result =
        new ExperimentRunner(
                plan.config(), new RunDirectory(folder), output.log(line.getErr()), request)
            .run();
    output.print(line.getOut(), result, String.join(System.lineSeparator(), result.summary()));
    return CommandLine.ExitCode.OK;
  }
}
