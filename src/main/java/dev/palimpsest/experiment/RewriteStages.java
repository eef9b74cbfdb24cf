package dev.palimpsest.experiment;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.BuildInfo;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.latents.LatentStream;
import dev.palimpsest.lexical.Paraphrase;
import dev.palimpsest.results.Protocol;
import dev.palimpsest.results.RewriteConfig;
import dev.palimpsest.results.RewriteResult;
import dev.palimpsest.results.Selection;
import dev.palimpsest.rewrite.RewriteInputs;
import dev.palimpsest.rewrite.RewriteStage;
import dev.palimpsest.rivals.Rival;
import dev.palimpsest.rivals.RivalKind;
import dev.palimpsest.rivals.Rivals;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.run.RunLog;
import dev.palimpsest.run.StageLedger;
import dev.palimpsest.run.StageLedger.Stage;
import dev.palimpsest.simulate.CalibratedPredictor;
import dev.palimpsest.simulate.Calibration;
import dev.palimpsest.simulate.CalibrationSet;
import dev.palimpsest.simulate.CalibrationStore;
import dev.palimpsest.simulate.LatentPredictor;
import dev.palimpsest.simulate.ScoreStore;
import dev.palimpsest.simulate.ShuffledExplanations;
import dev.palimpsest.simulate.Simulator;
import dev.palimpsest.text.Split;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The loss tables of one coder, one per protocol. */
final class RewriteStages {
  private final ExperimentConfig config;
  private final RunDirectory run;
  private final RunLog log;
  private final StageLedger ledger;
  private final RunContext bench;
  private final StagePlan plan;
  private final String name;
  private final String hookpoint;
  private final Simulators simulators;

  /** Fitted at the first need, for all protocols. */
  private Optional<Map<String, Rival>> rivals = Optional.empty();

  RewriteStages(
      ExperimentConfig config,
      RunDirectory run,
      RunLog log,
      StageLedger ledger,
      RunContext bench,
      StagePlan plan) {
    this.config = config;
    this.run = run;
    this.log = log;
    this.ledger = ledger;
    this.bench = bench;
    this.plan = plan;
    name = plan.unit().name();
    hookpoint = plan.unit().hookpoint();
    simulators = new Simulators(config, bench, run, name, log);
  }

  /**
   * @param again whether tables are made anew that are up to date
   */
  void run(boolean again) {
    for (Protocol protocol : Protocol.values()) {
      plan.rewrite(protocol)
          .ifPresent(
              stage -> ledger.ensure(stage, again, () -> measure(stage, protocol, again), log));
    }
  }

  private Object measure(Stage stage, Protocol protocol, boolean again) {
    RewriteConfig settings = settings(config, protocol);
    if (again) {
      RewriteStage.forgetUnfinished(run.rewrite(name, protocol.label()));
    }
    try (SparseCoder coder = SparseCoder.load(run.coder(name), bench.device())) {
      RewriteInputs inputs = inputs(coder, settings, protocol, true);
      RewriteResult result =
          RewriteStage.run(
              inputs, settings, run.rewrite(name, protocol.label()), identity(stage), log);
      if (plan.isMain() && protocol == Protocol.ALL_TOKENS) {
        AtomicFiles.writeString(run.rewrite(), Json.pretty(result));
      }
      requireFinite(result, run.rewrite(name, protocol.label()));
      return Map.of("windows", result.windows(), "tokens", result.tokens());
    }
  }

  /**
   * What is measured of this coder.
   *
   * @param coder open, at the device of the run
   * @param beside whether rivals and exchanged explanations are wanted too
   */
  RewriteInputs inputs(
      SparseCoder coder, RewriteConfig settings, Protocol protocol, boolean beside) {
    boolean transcode = plan.unit().given().transcode() || coder.config().readsModuleInput();
    int latents = coder.config().numLatents();
    double[] scores = ScoreStore.balancedAccuracy(ScoreStore.read(run.scores(name)), latents);
    List<Explanation> texts = simulators.texts(latents);
    CalibrationSet calibrations = CalibrationStore.read(run.simulations(name, protocol.label()));
    return new RewriteInputs(
        bench.model(),
        coder,
        hookpoint,
        transcode,
        bench.corpus().windows(Split.EVALUATE, settings.windowTokens()),
        calibrations.means(),
        predictors(settings, latents, texts, calibrations),
        beside ? shuffled(protocol, latents, texts, calibrations) : Optional.empty(),
        beside ? rivals(coder, transcode) : Map.of(),
        latent -> scores[latent],
        bench.excluded());
  }

  /** All that the losses depend on, so that only what was measured of the same is gone on from. */
  private String identity(Stage stage) {
    return Json.line(
        List.of(new TreeMap<>(stage.source()), bench.describe(), BuildInfo.get().describe()));
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
    Simulator simulator = simulators.of(latents, texts);
    Map<String, LatentPredictor> predictors = new LinkedHashMap<>();
    for (String label : settings.calibrations()) {
      predictors.put(
          label, new CalibratedPredictor(simulator, calibrations, Calibration.labelled(label)));
    }
    return predictors;
  }

  private Optional<RewriteInputs.Shuffled> shuffled(
      Protocol protocol, int latents, List<Explanation> texts, CalibrationSet calibrations) {
    if (!simulators.shuffles(texts)) {
      return Optional.empty();
    }
    Simulator simulator = simulators.of(latents, ShuffledExplanations.of(texts, config.seed()));
    CalibrationSet refitted =
        CalibrationStore.read(run.shuffledSimulations(name, protocol.label()));
    return Optional.of(
        new RewriteInputs.Shuffled(
            new CalibratedPredictor(simulator, refitted, Calibration.CONDITIONAL_MEAN),
            new CalibratedPredictor(simulator, calibrations, Calibration.CONDITIONAL_MEAN),
            config.fitsJointly()
                ? Optional.of(new CalibratedPredictor(simulator, refitted, Calibration.JOINT))
                : Optional.empty(),
            paraphrased(latents, texts, calibrations)));
  }

  /** The latents' own texts in other words, where that control is asked for. */
  private Optional<LatentPredictor> paraphrased(
      int latents, List<Explanation> texts, CalibrationSet calibrations) {
    return config.rewrite().paraphrase() && config.simulate().simulator().isLexical()
        ? Optional.of(
            new CalibratedPredictor(
                simulators.of(latents, Paraphrase.of(texts, config.seed())),
                calibrations,
                Calibration.CONDITIONAL_MEAN))
        : Optional.empty();
  }

  /** What needs no words, fitted on the train split. */
  private Map<String, Rival> rivals(SparseCoder coder, boolean transcode) {
    if (rivals.isEmpty()) {
      long tokens = config.rewrite().rivalTokens();
      rivals =
          Optional.of(
              Rivals.fit(
                  kinds(transcode),
                  new LatentStream(bench.model(), coder, hookpoint, transcode, bench.excluded()),
                  bench.corpus().windows(Split.TRAIN, config.cache().contextLength()),
                  tokens,
                  config.cache().batchRows(),
                  config.seed(),
                  done ->
                      log.advanced(
                          "fitting rivals of " + name, "tokens", Math.min(done, tokens), tokens)));
    }
    return rivals.get();
  }

  /**
   * Those asked for; what an autoencoder reads is what it is to predict, which no rival is given.
   */
  private List<RivalKind> kinds(boolean transcode) {
    return config.rewrite().rivals().stream()
        .map(RivalKind::labelled)
        .filter(kind -> transcode || !kind.readsInput())
        .toList();
  }

  private static Selection selection(String label) {
    for (Selection selection : Selection.values()) {
      if (selection.label().equals(label)) {
        return selection;
      }
    }
    throw new UsageException("unknown selection '" + label + "'; known: best, random");
  }

  /**
   * What is measured under a protocol.
   *
   * @throws UsageException naming a setting that cannot be meant
   */
  static RewriteConfig settings(ExperimentConfig config, Protocol protocol) {
    ExperimentConfig.Windows windows = config.windows(protocol);
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
        config.simulate().simulator().name(),
        rewrite.calibrations(),
        rewrite.fractions(),
        rewrite.selections().stream().map(RewriteStages::selection).toList(),
        rewrite.reselect(),
        rewrite.resamples(),
        config.seed(),
        rewrite.untilCi());
  }
}
