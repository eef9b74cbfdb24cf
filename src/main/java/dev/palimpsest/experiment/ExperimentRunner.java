package dev.palimpsest.experiment;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.FileDigests;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.latents.ScratchFolder;
import dev.palimpsest.report.Headline;
import dev.palimpsest.report.HeadlineTable;
import dev.palimpsest.report.RewriteTable;
import dev.palimpsest.results.Protocol;
import dev.palimpsest.run.OutputFolder;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.run.RunLock;
import dev.palimpsest.run.RunLog;
import dev.palimpsest.run.RunLog.Planned;
import dev.palimpsest.run.StageLedger;
import dev.palimpsest.run.StageName;
import dev.palimpsest.tensor.Devices;
import dev.palimpsest.train.Training;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Runs an experiment's stages in order over a run directory; what is up to date is not done again.
 * Everything is looked at before anything is written.
 */
public final class ExperimentRunner {
  private final ExperimentConfig config;
  private final RunDirectory run;
  private final RunLog log;
  private final RunRequest request;
  private boolean accepted;

  /**
   * @param config resolved settings
   * @param run where everything is written
   * @param log hears how it gets on
   * @param request what is to be done
   */
  public ExperimentRunner(
      ExperimentConfig config, RunDirectory run, RunLog log, RunRequest request) {
    this.config = config;
    this.run = run;
    this.log = log;
    this.request = request;
  }

  /**
   * What a run leaves behind.
   *
   * @param out the run directory
   * @param rewrite its main result, {@code rewrite.json}
   * @param report the page
   * @param seconds by stage, as each took when it was done
   * @param summary the results in a few sentences, of several coders in a line each; empty before
   *     there are any
   */
  public record Result(
      String out,
      String rewrite,
      String report,
      Map<String, Double> seconds,
      List<String> summary) {}

  /**
   * Does what is asked.
   *
   * @throws UsageException where a setting cannot be meant, or would change what the run is about;
   *     nothing has then been written
   * @throws PalimpsestException where a stage that a wanted one stands on is not finished
   */
  public Result run() {
    ExperimentChecks.check(config);
    run.requireFolder();
    OutputFolder.requireFree(run.root());
    Wordless.requireWords(config, request.stages());
    Interpreters.requirePrices(config, request.budget());
    if (request.dryRun()) {
      return estimated();
    }
    Devices.Choice device = RunContext.choose(config);
    FileDigests digests = FileDigests.at(run.digests());
    RunInputs inputs = RunInputs.of(config, run, digests);
    try (RunLock lock = RunLock.of(run.root())) {
      try {
        return locked(inputs, digests, device);
      } finally {
        leaveNothing(lock);
      }
    }
  }

  /** What language models would be asked; writes nothing that stays. */
  private Result estimated() {
    boolean kept = Files.isDirectory(run.tokens());
    Path tokens = kept ? run.tokens() : temporary();
    try (RunContext bench = new RunContext(config, tokens, RunContext.choose(config), log)) {
      return new Result(
          run.root().toString(),
          run.rewrite().toString(),
          run.report().toString(),
          Map.of(),
          new CallEstimate(config, run, bench, request).lines());
    } finally {
      if (!kept) {
        ScratchFolder.remove(tokens);
      }
    }
  }

  private static Path temporary() {
    try {
      return Files.createTempDirectory("palimpsest-tokens");
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot make a temporary folder: " + AtomicFiles.describe(failure), failure);
    }
  }

  /** The work itself, while nobody else writes here. */
  private Result locked(RunInputs inputs, FileDigests digests, Devices.Choice device) {
    try (RunContext bench = new RunContext(config, run, device, digests, log, request.budget())) {
      boolean anew = request.trains() && request.force();
      if (!anew) {
        inputs.damage().ifPresent(log::says);
        inputs.requireSame(request.trains());
      }
      StageLedger ledger = new StageLedger(run, digests);
      TrainStage train = new TrainStage(config, run, log, bench, digests);
      List<StagePlan> plans =
          CoderUnit.of(config).stream()
              .map(unit -> new StagePlan(config, run, inputs, ledger, digests, unit))
              .toList();
      for (StagePlan plan : plans) {
        HandEdits.restore(run, plan.unit().name(), ledger, plan.explain());
      }
      checkPersonsTexts(train, bench, anew && !inputs.changes(true).isEmpty());
      Training.useThreads(config.threads());
      log.planned(planned(plans));
      if (request.trains()) {
        train.ensure(inputs, ledger, request.force(), () -> accept(inputs, bench.describe()));
      } else {
        train.asFound(request.refresh());
        accept(inputs, bench.describe());
      }
      for (StagePlan plan : plans) {
        new CoderStages(config, run, log, ledger, bench, plan, request).run();
      }
      bench.interpreters().write();
      if (request.wants(StageName.REWRITE) && TogetherStage.isWanted(config)) {
        new TogetherStage(config, run, log, ledger, bench, plans).run(request.force());
      }
      if (request.wants(StageName.REPORT)) {
        new ReportStage(config, run, bench, ledger, plans, log).write();
      }
      digests.save();
      return result(ledger, plans);
    }
  }

  /**
   * Words that a person wrote for a coder are not lost because the coder is made anew, and are read
   * with care before anything is spent on them.
   */
  private void checkPersonsTexts(TrainStage train, RunContext bench, boolean trainedAnew) {
    for (CoderUnit unit : request.replacesTexts() ? List.<CoderUnit>of() : CoderUnit.of(config)) {
      Path file = run.explanations(unit.name());
      int edited = new HandEdits(run, unit.name()).latents().size();
      if (edited > 0 && (trainedAnew || train.givenHasChanged(unit))) {
        throw new UsageException(CoderStages.personsTexts(file, edited));
      }
      if (edited > 0 && request.readsTexts()) {
        new Simulators(config, bench, run, unit.name(), log).texts(unit.given().numLatents());
      }
    }
  }

  /** A command that failed before it was accepted leaves nothing in a folder that it made. */
  private void leaveNothing(RunLock lock) {
    if (!accepted && lock.madeItsFolder()) {
      ScratchFolder.remove(run.tokens());
    }
  }

  /** Makes the run directory this run's. */
  private void accept(RunInputs inputs, String device) {
    if (accepted) {
      return;
    }
    accepted = true;
    TrainRun.describe(config, run, inputs, device);
  }

  /** The stages to come, with tokens through the model for the work of each. */
  private List<Planned> planned(List<StagePlan> plans) {
    ExpectedWork work = new ExpectedWork(config);
    List<Planned> stages = new ArrayList<>();
    if (request.trains()) {
      stages.add(new Planned(StageName.TRAIN.label(), work.of(StageName.TRAIN, "")));
    }
    for (StagePlan plan : plans) {
      for (StageName name : StageName.values()) {
        if (request.wants(name)) {
          plan.of(name)
              .forEach(stage -> stages.add(new Planned(stage.name(), work.of(name, stage.name()))));
        }
      }
    }
    if (request.wants(StageName.REPORT)) {
      stages.add(new Planned(StageName.REPORT.label(), work.of(StageName.REPORT, "")));
    }
    return stages;
  }

  private Result result(StageLedger ledger, List<StagePlan> plans) {
    Map<String, Double> seconds = new TreeMap<>();
    for (StageLedger.Entry entry : ledger.finished()) {
      seconds.put(entry.stage(), entry.seconds());
    }
    List<String> summary = new ArrayList<>();
    if (request.wants(StageName.REWRITE) || request.wants(StageName.REPORT)) {
      Map<String, RewriteTable> tables = new LinkedHashMap<>();
      for (StagePlan plan : plans) {
        Path file = run.rewrite(plan.unit().name(), Protocol.ALL_TOKENS.label());
        if (Files.exists(file) && plan.staleLosses(Protocol.ALL_TOKENS).isEmpty()) {
          tables.put(plan.unit().name(), RewriteTable.read(file));
        }
      }
      if (plans.size() > 1 && !tables.isEmpty()) {
        summary.addAll(HeadlineTable.lines(tables));
      } else {
        tables.values().forEach(table -> summary.addAll(Headline.sentences(table)));
      }
      summary.addAll(OverSeeds.sentences(plans, List.copyOf(tables.values())));
      if (TogetherStage.isWanted(config)) {
        summary.addAll(TogetherStage.sentences(run));
      }
      if (Files.exists(run.report())) {
        summary.add("Report: " + run.report());
      }
    }
    return new Result(
        run.root().toString(), run.rewrite().toString(), run.report().toString(), seconds, summary);
  }
}
