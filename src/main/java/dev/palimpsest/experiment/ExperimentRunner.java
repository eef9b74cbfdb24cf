package dev.palimpsest.experiment;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.report.Headline;
import dev.palimpsest.report.RewriteTable;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.run.RunLog;
import dev.palimpsest.run.StageLedger;
import dev.palimpsest.run.StageName;
import dev.palimpsest.tensor.Devices;
import dev.palimpsest.tensor.Precision;
import dev.palimpsest.train.Training;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Runs an experiment's stages in order over a run directory; what is finished is not done again.
 */
public final class ExperimentRunner {
  private final ExperimentConfig config;
  private final RunDirectory run;
  private final RunLog log;
  private final boolean force;

  /**
   * @param config resolved settings
   * @param run where everything is written
   * @param log hears how it gets on
   * @param force whether wanted stages are repeated where nothing has changed
   */
  public ExperimentRunner(ExperimentConfig config, RunDirectory run, RunLog log, boolean force) {
    this.config = config;
    this.run = run;
    this.log = log;
    this.force = force;
  }

  /**
   * What a run leaves behind.
   *
   * @param out the run directory
   * @param rewrite its main result, {@code rewrite.json}
   * @param report the page
   * @param seconds by stage, as each took when it was done
   * @param summary the main result in a few sentences; empty before there is one
   */
  public record Result(
      String out,
      String rewrite,
      String report,
      Map<String, Double> seconds,
      List<String> summary) {}

  /**
   * The wanted stages alone.
   *
   * @throws PalimpsestException where a stage that a wanted one builds on is not finished
   */
  public Result run(Set<StageName> wanted) {
    if (config.coders().isEmpty()) {
      throw new UsageException("the experiment names no coders: give at least one hookpoint");
    }
    Wordless.requireWords(config, wanted);
    Devices.Choice device = Devices.choose(config.device(), Precision.labelled(config.precision()));
    Training.useThreads(config.threads());
    TrainRun.describe(config, run, device);
    StageLedger ledger = new StageLedger(run, force);
    try (RunContext bench = new RunContext(config, run, device, log)) {
      List<StageLedger.Entry> coders = coders(bench, ledger, wanted);
      for (int i = 0; i < config.coders().size(); i++) {
        new CoderStages(config, run, log, ledger, bench, i).run(wanted, coders);
      }
      if (wanted.contains(StageName.REPORT)) {
        new ReportStage(config, run, bench, ledger, log).write();
      }
      return result(ledger, wanted);
    }
  }

  /** Trains what has no folder yet; coders given by path are taken as they are. */
  private List<StageLedger.Entry> coders(
      RunContext bench, StageLedger ledger, Set<StageName> wanted) {
    TrainStage stage = new TrainStage(config, run, log, bench, force);
    if (wanted.contains(StageName.TRAIN)) {
      return List.of(stage.ensure(ledger));
    }
    for (ExperimentConfig.Coder coder : config.coders()) {
      if (!Files.exists(run.coder(coder.hookpoint()).resolve("sae.safetensors"))) {
        throw new PalimpsestException(
            run.root()
                + ": the coder of "
                + coder.hookpoint()
                + " is not trained yet; run 'train' or 'run' first");
      }
    }
    return List.of(stage.asFound());
  }

  private Result result(StageLedger ledger, Set<StageName> wanted) {
    Map<String, Double> seconds = new java.util.TreeMap<>();
    for (StageLedger.Entry entry : ledger.finished()) {
      seconds.put(entry.stage(), entry.seconds());
    }
    List<String> summary = new ArrayList<>();
    if (wanted.contains(StageName.REWRITE) || wanted.contains(StageName.REPORT)) {
      if (Files.exists(run.rewrite())) {
        summary.addAll(Headline.sentences(RewriteTable.read(run.rewrite())));
      }
      if (Files.exists(run.report())) {
        summary.add("Report: " + run.report());
      }
    }
    return new Result(
        run.root().toString(), run.rewrite().toString(), run.report().toString(), seconds, summary);
  }
}
