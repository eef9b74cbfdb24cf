package dev.palimpsest.cli;

import dev.palimpsest.experiment.Experiments;
import dev.palimpsest.experiment.RunRequest;
import dev.palimpsest.run.StageName;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * One stage alone, over a run directory made by {@code run}, {@code demo} or {@code train}. What it
 * stands on and is out of date is done again first.
 */
abstract class StageCommand implements Callable<Integer> {
  private final StageName stage;

  @Spec private CommandSpec spec;

  @Parameters(
      index = "0",
      paramLabel = "RUN",
      description = "Run directory, made by 'run', 'demo' or 'train'.")
  private Path run;

  @Option(
      names = "--no-refresh",
      description =
          "Fail where something that this stage stands on is out of date, instead of doing that"
              + " again first.")
  private boolean noRefresh;

  @Mixin private ExperimentOptions options;
  @Mixin private PrecisionOption precision;
  @Mixin private ForceOption force;
  @Mixin private OutputOptions output;

  StageCommand(StageName stage) {
    this.stage = stage;
  }

  @Override
  public Integer call() {
    List<String> assignments = new ArrayList<>(options.assignments());
    assignments.addAll(precision.assignments());
    assignments.addAll(ownAssignments());
    Experiments.Plan plan = Experiments.fromRun(run, assignments);
    RunRequest request =
        limited(new RunRequest(EnumSet.of(stage), force.given(), !noRefresh, replacesTexts()));
    return ExperimentCommands.run(plan, run, request, output, spec.commandLine());
  }

  /** Whether a person's words are replaced. */
  boolean replacesTexts() {
    return false;
  }

  /** A request within what may be spent on language models' answers. */
  RunRequest limited(RunRequest request) {
    return request;
  }

  /** Settings that the stage's own options change, as KEY=VALUE. */
  List<String> ownAssignments() {
    return List.of();
  }

  /** {@code palimpsest cache}. */
  @Command(
      name = "cache",
      mixinStandardHelpOptions = true,
      description = {
        "Records which latent fires where, and how strongly, on the explain split",
        "(and on a sample of the train split, where that has fewer than cache.least_tokens)."
      })
  static final class Cache extends StageCommand {
    Cache() {
      super(StageName.CACHE);
    }
  }

  /** {@code palimpsest explain}. */
  @Command(
      name = "explain",
      mixinStandardHelpOptions = true,
      description = {
        "Explains every latent in words, from the cache.",
        "The texts are explanations/<hookpoint>.jsonl, one a line; edit them and score or rewrite"
            + " again.",
        "They are in a controlled English that docs/words.md teaches, for example",
        "  Fires strongly on dog or forms of bark; fairly on the pup. More after little, near park."
            + " Else hardly.",
        "Word classes (cat-like) are in explanations/<hookpoint>.glossary.txt, for editing as"
            + " well.",
        "Any other English is read as far as it is understood; what is ignored is said.",
        "Lines that a person has changed, added or removed stay so, unless --replace-texts is"
            + " given."
      })
  static final class Explain extends StageCommand {
    @Mixin private ReplaceTextsOption replaceTexts;
    @Mixin private StrictOption strict;
    @Mixin private ExplainerOption explainer;
    @Mixin private BudgetOptions budget;

    Explain() {
      super(StageName.EXPLAIN);
    }

    @Override
    boolean replacesTexts() {
      return replaceTexts.given();
    }

    @Override
    RunRequest limited(RunRequest request) {
      return budget.limit(request);
    }

    @Override
    List<String> ownAssignments() {
      List<String> own = new ArrayList<>(strict.assignments());
      own.addAll(explainer.assignments());
      return own;
    }
  }

  /** {@code palimpsest score}. */
  @Command(
      name = "score",
      mixinStandardHelpOptions = true,
      description = "Scores the explanations by detection on the score split.")
  static final class Score extends StageCommand {
    @Mixin private StrictOption strict;
    @Mixin private BudgetOptions budget;

    Score() {
      super(StageName.SCORE);
    }

    @Override
    RunRequest limited(RunRequest request) {
      return budget.limit(request);
    }

    @Override
    List<String> ownAssignments() {
      return strict.assignments();
    }
  }

  /** {@code palimpsest simulate}. */
  @Command(
      name = "simulate",
      mixinStandardHelpOptions = true,
      description =
          "Simulates the latents from their explanations on the calibrate split and fits the"
              + " calibrations.")
  static final class Simulate extends StageCommand {
    @Mixin private StrictOption strict;
    @Mixin private SimulatorOption simulator;
    @Mixin private BudgetOptions budget;

    Simulate() {
      super(StageName.SIMULATE);
    }

    @Override
    RunRequest limited(RunRequest request) {
      return budget.limit(request);
    }

    @Override
    List<String> ownAssignments() {
      List<String> own = new ArrayList<>(strict.assignments());
      own.addAll(simulator.assignments());
      return own;
    }
  }

  /** {@code palimpsest rewrite}. */
  @Command(
      name = "rewrite",
      mixinStandardHelpOptions = true,
      description =
          "Puts the simulated component in place and measures the losses on the evaluate split.")
  static final class Rewrite extends StageCommand {
    @Option(
        names = "--until-ci",
        paramLabel = "HALFWIDTH",
        description = {
          "Stop when the 95 %% interval of the headline's added loss is within so many nats of its"
              + " middle",
          "(the setting rewrite.until_ci); looked at after 64 windows and at every doubling."
        })
    private Optional<Double> untilCi = Optional.empty();

    @Mixin private StrictOption strict;
    @Mixin private BudgetOptions budget;

    Rewrite() {
      super(StageName.REWRITE);
    }

    @Override
    RunRequest limited(RunRequest request) {
      return budget.limit(request);
    }

    @Override
    List<String> ownAssignments() {
      List<String> own = new ArrayList<>(strict.assignments());
      untilCi.ifPresent(width -> own.add("rewrite.until_ci=" + width));
      return own;
    }
  }
}
