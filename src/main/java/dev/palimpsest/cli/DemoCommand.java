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
import picocli.CommandLine.Spec;

/** {@code palimpsest demo}: the whole experiment, offline, on the embedded model and text. */
@Command(
    name = "demo",
    mixinStandardHelpOptions = true,
    description = {
      "Runs the whole experiment, offline, on the embedded model and text, in minutes.",
      "Its settings are experiments/demo.yaml; run again, it does only what is missing."
    })
final class DemoCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Run directory; default runs/demo (or runs/demo-short).")
  private @Nullable Path out;

  @Option(
      names = "--short",
      description =
          "The same stages on less of everything, in well under a minute; for trying out.")
  private boolean brief;

  @Mixin private ExperimentOptions options;
  @Mixin private SeedOption seed;
  @Mixin private PrecisionOption precision;
  @Mixin private StrictOption strict;
  @Mixin private ForceOption force;
  @Mixin private ReplaceTextsOption replaceTexts;
  @Mixin private OutputOptions output;

  @Override
  public Integer call() {
    Experiments.Plan plan = Experiments.builtIn(brief ? "demo-short" : "demo", settings());
    return ExperimentCommands.runAll(
        plan,
        out,
        RunRequest.everything(force.given(), replaceTexts.given()),
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
