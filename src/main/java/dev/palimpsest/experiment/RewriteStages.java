package dev.palimpsest.experiment;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.BuildInfo;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.explain.ExplanationStore;
import dev.palimpsest.lexical.LexicalSimulator;
import dev.palimpsest.results.Protocol;
import dev.palimpsest.results.RewriteConfig;
import dev.palimpsest.results.RewriteResult;
import dev.palimpsest.results.Selection;
import dev.palimpsest.rewrite.RewriteInputs;
import dev.palimpsest.rewrite.RewriteStage;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.run.RunLog;
import dev.palimpsest.run.StageLedger;
import dev.palimpsest.run.StageName;
import dev.palimpsest.simulate.CalibratedPredictor;
import dev.palimpsest.simulate.Calibration;
import dev.palimpsest.simulate.CalibrationSet;
import dev.palimpsest.simulate.CalibrationStore;
import dev.palimpsest.simulate.LatentPredictor;
import dev.palimpsest.simulate.ScoreStore;
import dev.palimpsest.simulate.ShuffledExplanations;
import dev.palimpsest.text.Split;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The loss tables of one coder, one per protocol. */
final class RewriteStages {
  private final ExperimentConfig config;
  private final RunDirectory run;
  private final RunLog log;
  private final StageLedger ledger;
  private final RunContext bench;
  private final ExperimentConfig.Coder given;
  private final String hookpoint;
  private final boolean main;

  /**
   * @param main whether the all-tokens table is also the run's {@code rewrite.json}
   */
  RewriteStages(
      ExperimentConfig config,
      RunDirectory run,
      RunLog log,
      StageLedger ledger,
      RunContext bench,
      ExperimentConfig.Coder given,
      boolean main) {
    this.config = config;
    this.run = run;
    this.log = log;
    this.ledger = ledger;
    this.bench = bench;
    this.given = given;
    hookpoint = given.hookpoint();
    this.main = main;
  }

  /**
   * @param basis what the losses depend on besides settings, scores and calibrations
   */
  List<StageLedger.Entry> run(List<StageLedger.Entry> basis) {
    List<StageLedger.Entry> after = new ArrayList<>(basis);
    after.add(StageLedger.ofFile("scores", run.scores(hookpoint)));
    List<StageLedger.Entry> done = new ArrayList<>();
    for (Protocol protocol : config.protocols()) {
      ExperimentConfig.Windows windows = config.windows(protocol);
      List<StageLedger.Entry> own = new ArrayList<>(after);
      own.add(StageLedger.ofFile("simulations", run.simulations(hookpoint, protocol.label())));
      Path shuffled = run.shuffledSimulations(hookpoint, protocol.label());
      if (Files.exists(shuffled)) {
        own.add(StageLedger.ofFile("shuffled", shuffled));
      }
      done.add(
          ledger.ensure(
              StageName.REWRITE.label() + "." + hookpoint + "." + protocol.label(),
              List.of(windows, config.rewrite(), config.seed(), config.data()),
              own,
              outputs(protocol),
              () -> measure(protocol, windows, own),
              log));
    }
    return done;
  }

  private List<Path> outputs(Protocol protocol) {
    Path own = run.rewrite(hookpoint, protocol.label());
    return main && protocol == Protocol.ALL_TOKENS ? List.of(run.rewrite(), own) : List.of(own);
  }

  private Object measure(
      Protocol protocol, ExperimentConfig.Windows windows, List<StageLedger.Entry> after) {
    RewriteConfig settings = settings(protocol, windows);
    try (SparseCoder coder = SparseCoder.load(run.coder(hookpoint), bench.device())) {
      boolean transcode = given.transcode() || coder.config().readsModuleInput();
      int latents = coder.config().numLatents();
      double[] scores =
          ScoreStore.balancedAccuracy(ScoreStore.read(run.scores(hookpoint)), latents);
      List<Explanation> texts = ExplanationStore.read(run.explanations(hookpoint));
      CalibrationSet calibrations =
          CalibrationStore.read(run.simulations(hookpoint, protocol.label()));
      RewriteInputs inputs =
          new RewriteInputs(
              bench.model(),
              coder,
              hookpoint,
              transcode,
              bench.corpus().windows(Split.EVALUATE, settings.windowTokens()),
              calibrations.means(),
              predictors(settings, latents, texts, calibrations),
              shuffled(protocol, latents, texts, calibrations),
              latent -> scores[latent],
              bench.excluded());
      RewriteResult result =
          RewriteStage.run(
              inputs,
              settings,
              run.root(),
              run.rewrite(hookpoint, protocol.label()),
              identity(settings, after),
              log);
      if (main && protocol == Protocol.ALL_TOKENS) {
        AtomicFiles.writeString(run.rewrite(), Json.pretty(result));
      }
      requireFinite(result, run.rewrite(hookpoint, protocol.label()));
      return Map.of("windows", result.windows(), "tokens", result.tokens());
    }
  }

  /** All that the losses depend on, so that only what was measured of the same is gone on from. */
  private String identity(RewriteConfig settings, List<StageLedger.Entry> after) {
    return Json.line(
        List.of(
            hookpoint,
            settings,
            config.data(),
            after.stream().map(StageLedger.Entry::fingerprint).toList(),
            bench.device().describe(),
            BuildInfo.get().describe()));
  }

  /** A table whose headline is no number is written, for the rest of it, but is a failure. */
  private static void requireFinite(RewriteResult result, Path table) {
    result
        .headline()
        .filter(row -> row.ce().isEmpty())
        .ifPresent(
            row -> {
              throw new PalimpsestException(
                  table
                      + ": the loss of the rewrite that sums it up is not a finite number ("
                      + String.join(
                          "; ",
                          result.notFinite().entrySet().stream()
                              .limit(3)
                              .map(entry -> entry.getKey() + " " + entry.getValue())
                              .toList())
                      + ")");
            });
  }

  private Map<String, LatentPredictor> predictors(
      RewriteConfig settings, int latents, List<Explanation> texts, CalibrationSet calibrations) {
    LexicalSimulator simulator = new LexicalSimulator(latents, texts, bench.names());
    Map<String, LatentPredictor> predictors = new LinkedHashMap<>();
    for (String name : settings.calibrations()) {
      predictors.put(
          name, new CalibratedPredictor(simulator, calibrations, Calibration.labelled(name)));
    }
    return predictors;
  }

  private Optional<RewriteInputs.Shuffled> shuffled(
      Protocol protocol, int latents, List<Explanation> texts, CalibrationSet calibrations) {
    if (texts.size() < ShuffledExplanations.FEWEST) {
      return Optional.empty();
    }
    LexicalSimulator simulator =
        new LexicalSimulator(latents, ShuffledExplanations.of(texts, config.seed()), bench.names());
    CalibrationSet refitted =
        CalibrationStore.read(run.shuffledSimulations(hookpoint, protocol.label()));
    return Optional.of(
        new RewriteInputs.Shuffled(
            new CalibratedPredictor(simulator, refitted, Calibration.CONDITIONAL_MEAN),
            new CalibratedPredictor(simulator, calibrations, Calibration.CONDITIONAL_MEAN)));
  }

  private static Selection selection(String label) {
    for (Selection selection : Selection.values()) {
      if (selection.label().equals(label)) {
        return selection;
      }
    }
    throw new UsageException("unknown selection '" + label + "'; known: best, random");
  }

  private RewriteConfig settings(Protocol protocol, ExperimentConfig.Windows windows) {
    RewriteConfig base =
        switch (protocol) {
          case ALL_TOKENS -> RewriteConfig.allTokens();
          case LAST_TOKEN -> RewriteConfig.lastToken();
        };
    ExperimentConfig.Rewrite rewrite = config.rewrite();
    return new RewriteConfig(
        protocol,
        windows.contextLength(),
        windows.windows(),
        base.batchTokens(),
        config.explain().explainer(),
        rewrite.calibrations(),
        rewrite.fractions(),
        rewrite.selections().stream().map(RewriteStages::selection).toList(),
        rewrite.reselect(),
        rewrite.resamples(),
        config.seed(),
        rewrite.untilCi());
  }
}
