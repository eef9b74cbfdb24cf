package dev.palimpsest.cli;

import dev.palimpsest.experiment.Experiments;
import dev.palimpsest.experiment.ReadmeTable;
import dev.palimpsest.experiment.RunRequest;
import dev.palimpsest.run.StageName;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code palimpsest report}: the page, and the README's table. */
@Command(
    name = "report",
    mixinStandardHelpOptions = true,
    description = {
      "Writes report.html from whatever the run has found so far.",
      "What is older than what it was made from (the words, say) is left out, and the page says so."
    })
final class ReportCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      index = "0",
      paramLabel = "RUN",
      description = "Run directory, made by 'run', 'demo' or 'train'.")
  private Path run;

  @Option(
      names = "--readme",
      paramLabel = "FILE",
      description =
          "Also write the main loss table between the demo-results marks of a Markdown file.")
  private @Nullable Path readme;

  @Mixin private ExperimentOptions options;
  @Mixin private OutputOptions output;

  @Override
  public Integer call() {
    if (readme != null) {
      NamedFile.require("--readme", readme);
    }
    Experiments.Plan plan = Experiments.fromRun(run, options.assignments());
    RunRequest request = new RunRequest(EnumSet.of(StageName.REPORT), false, true, false);
    int exit = ExperimentCommands.run(plan, run, request, output, spec.commandLine());
    if (readme != null) {
      Experiments.requireCurrentResult(run);
      ReadmeTable.update(readme, run);
    }
    return exit;
  }
}
