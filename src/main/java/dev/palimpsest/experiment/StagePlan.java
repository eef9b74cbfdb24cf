package dev.palimpsest.experiment;

import dev.palimpsest.base.FileDigests;
import dev.palimpsest.explain.ExplanationStore;
import dev.palimpsest.llm.AskedModel;
import dev.palimpsest.results.Protocol;
import dev.palimpsest.results.RewriteConfig;
import dev.palimpsest.rewrite.RewriteStage;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.run.StageLedger;
import dev.palimpsest.run.StageLedger.Stage;
import dev.palimpsest.run.StageLedger.Standing;
import dev.palimpsest.run.StageLedger.Verdict;
import dev.palimpsest.run.StageName;
import dev.palimpsest.simulate.ShuffledExplanations;
import dev.palimpsest.tensor.Precision;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What each stage of one coder depends on and leaves; the one place that says so. Nothing is opened
 * or computed here but digests of files.
 */
final class StagePlan {
  private static final String MODEL = "the model";
  private static final String TEXT = "the text";
  private static final String CODER = "the coder";
  private static final String CACHE = "the latent cache";
  private static final String SCORE_CACHE = "the latent cache of the score split";
  private static final String EXPLANATIONS = "the explanations";
  private static final String GLOSSARY = "the word classes";

  /** Changes when other words are written for the same settings. */
  private static final int LANGUAGE = 2;

  private static final String SCORES = "the scores";
  private static final String SIMULATIONS = "the calibrations";
  private static final String SHUFFLED = "the calibrations to exchanged explanations";

  private final ExperimentConfig config;
  private final RunDirectory run;
  private final RunInputs inputs;
  private final StageLedger ledger;
  private final FileDigests digests;
  private final CoderUnit unit;
  private final PromptedIdentity prompted;
  private final boolean main;

  StagePlan(
      ExperimentConfig config,
      RunDirectory run,
      RunInputs inputs,
      StageLedger ledger,
      FileDigests digests,
      CoderUnit unit) {
    this.config = config;
    this.run = run;
    this.inputs = inputs;
    this.ledger = ledger;
    this.digests = digests;
    this.unit = unit;
    prompted = new PromptedIdentity(config, digests);
    main = unit.name().equals(CoderUnit.main(config).name());
  }

  /** The coder that this is about. */
  CoderUnit unit() {
    return unit;
  }

  /** Whether its all-tokens table is the run's main result. */
  boolean isMain() {
    return main;
  }

  /** Whether a language model simulates, rather than the controlled English. */
  boolean simulatesByModel() {
    return !config.simulate().simulator().isLexical();
  }

  /** Whether a language model scores. */
  boolean judgedByModel() {
    return !config.score().judge().isLexical();
  }

  /** The latent cache of the explain split. */
  Stage cache() {
    Map<String, Object> settings = reading();
    settings.put("cache", config.cache());
    return new Stage(name(StageName.CACHE), settings, basis(), List.of(run.latents(unit.name())));
  }

  /** The words; a person may edit them. */
  Stage explain() {
    Path file = run.explanations(unit.name());
    Map<String, String> read =
        with(Map.of(MODEL, inputs.modelDigest(), CODER, coder()), CACHE, run.latents(unit.name()));
    Optional<AskedModel> asked = config.explain().explainer().model();
    if (asked.isPresent()) {
      return new Stage(
          name(StageName.EXPLAIN),
          Map.of("explain", prompted.explain(asked.get())),
          prompted.with(read, "the explaining model", asked.get()),
          List.of(file, run.writtenExplanations(unit.name())),
          List.of(file));
    }
    return new Stage(
        name(StageName.EXPLAIN),
        Map.of("explain", prompted.lexical(), "language", LANGUAGE),
        read,
        List.of(
            file,
            run.writtenExplanations(unit.name()),
            run.glossary(unit.name()),
            run.writtenGlossary(unit.name())),
        List.of(file, run.glossary(unit.name())));
  }

  /** The latent cache of the score split, which stays when the words change. */
  Stage scoreCache() {
    Map<String, Object> settings = reading();
    settings.put("tokens", config.score().tokens());
    settings.put("context_length", config.cache().contextLength());
    settings.put("batch_rows", config.cache().batchRows());
    return new Stage(
        name(StageName.CACHE) + ".score-split",
        settings,
        basis(),
        List.of(run.scoreLatents(unit.name())));
  }

  /** How good the words are. */
  Stage score() {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("windows", config.score().windows());
    settings.put("seed", config.seed());
    List<Path> left = new ArrayList<>(List.of(run.scores(unit.name())));
    Map<String, String> read = withWords(Map.of(MODEL, inputs.modelDigest()));
    Optional<AskedModel> asked = config.score().judge().model();
    if (asked.isPresent()) {
      settings.put("judge", prompted.judge(asked.get()));
      read = prompted.with(read, "the judging model", asked.get());
      left.add(run.judgedScores(unit.name()));
    }
    return new Stage(
        name(StageName.SCORE),
        settings,
        with(read, SCORE_CACHE, run.scoreLatents(unit.name())),
        left);
  }

  /** The calibrations of the ratings, on windows like those that a protocol evaluates. */
  Stage simulate(Protocol protocol) {
    Map<String, Object> settings = reading();
    settings.put("simulate", Map.of("calibration_tokens", config.simulate().calibrationTokens()));
    settings.put("joint_tokens", config.fitsJointly() ? config.simulate().jointTokens() : 0);
    settings.put("context_length", config.windows(protocol).contextLength());
    settings.put("cache_context_length", config.cache().contextLength());
    settings.put("batch_rows", config.cache().batchRows());
    Map<String, String> read =
        withSimulator(settings, with(basis(), CACHE, run.latents(unit.name())));
    return new Stage(
        name(StageName.SIMULATE) + "." + protocol.label(),
        settings,
        withWords(read),
        fits(protocol));
  }

  /** Adds who rates to settings and inputs, where it is not the controlled English. */
  private Map<String, String> withSimulator(
      Map<String, Object> settings, Map<String, String> read) {
    if (!config.simulate().shuffled()) {
      settings.put("shuffled", false);
    }
    Optional<AskedModel> asked = config.simulate().simulator().model();
    asked.ifPresent(model -> settings.put("simulator", prompted.simulate(model)));
    return asked.map(model -> prompted.with(read, "the simulating model", model)).orElse(read);
  }

  /** With enough explanations to exchange, calibrations are fitted to exchanged ones, too. */
  private List<Path> fits(Protocol protocol) {
    List<Path> files = new ArrayList<>();
    files.add(run.simulations(unit.name(), protocol.label()));
    Path texts = run.explanations(unit.name());
    Path shuffled = run.shuffledSimulations(unit.name(), protocol.label());
    if (!config.simulate().shuffled()) {
      return files;
    }
    if (Files.isRegularFile(texts)
        ? ExplanationStore.read(texts).size() >= ShuffledExplanations.FEWEST
        : Files.isRegularFile(shuffled)) {
      files.add(shuffled);
    }
    return files;
  }

  /** The losses under a protocol; empty where it is switched off. */
  Optional<Stage> rewrite(Protocol protocol) {
    if (!config.windows(protocol).enabled()) {
      return Optional.empty();
    }
    RewriteConfig settings = RewriteStages.settings(config, protocol);
    Map<String, Object> all = reading();
    all.put("rewrite", settings);
    all.put("rivals", config.rewrite().rivals());
    if (config.rewrite().paraphrase()) {
      all.put("paraphrase", true);
    }
    if (!config.rewrite().rivals().isEmpty()) {
      all.put("rival_tokens", config.rewrite().rivalTokens());
      all.put("rival_context_length", config.cache().contextLength());
    }
    Map<String, String> read = withSimulator(all, withWords(basis()));
    read = with(read, SCORES, run.scores(unit.name()));
    Path own = run.rewrite(unit.name(), protocol.label());
    boolean headline = main && protocol == Protocol.ALL_TOKENS;
    return Optional.of(
        new Stage(
            name(StageName.REWRITE) + "." + protocol.label(),
            all,
            withFits(read, protocol),
            headline
                ? List.of(run.rewrite(), own, RewriteStage.lossesFile(own))
                : List.of(own, RewriteStage.lossesFile(own))));
  }

  private Map<String, String> withFits(Map<String, String> read, Protocol protocol) {
    Map<String, String> fitted =
        with(read, SIMULATIONS, run.simulations(unit.name(), protocol.label()));
    return config.simulate().shuffled()
        ? with(fitted, SHUFFLED, run.shuffledSimulations(unit.name(), protocol.label()))
        : fitted;
  }

  /** The stages behind a name, in order: one, or one a protocol. */
  List<Stage> of(StageName name) {
    return switch (name) {
      case CACHE -> List.of(cache());
      case EXPLAIN -> List.of(explain());
      case SCORE -> List.of(scoreCache(), score());
      case SIMULATE -> config.protocols().stream().map(this::simulate).toList();
      case REWRITE -> {
        List<Stage> both = new ArrayList<>();
        for (Protocol protocol : Protocol.values()) {
          rewrite(protocol).ifPresent(both::add);
        }
        yield both;
      }
      case TRAIN, REPORT -> List.of();
    };
  }

  /** The stages that one stands on, in order. */
  static List<StageName> below(StageName name) {
    return switch (name) {
      case TRAIN, CACHE, REPORT -> List.of();
      case EXPLAIN -> List.of(StageName.CACHE);
      case SCORE, SIMULATE -> List.of(StageName.CACHE, StageName.EXPLAIN);
      case REWRITE ->
          List.of(StageName.CACHE, StageName.EXPLAIN, StageName.SCORE, StageName.SIMULATE);
    };
  }

  /**
   * Why what a stage has left is not to be shown as the truth about what is there now: it, or
   * something that it stands on, is older than what that was made from. Empty where all is current,
   * and for files of which no stage of this run is known to have made them.
   */
  Optional<String> stale(StageName name) {
    List<Stage> basis = new ArrayList<>();
    below(name).forEach(lower -> basis.addAll(of(lower)));
    return of(name).stream().flatMap(stage -> stale(stage, basis).stream()).findFirst();
  }

  /** The same of the losses under one protocol, which stand on that one's calibrations alone. */
  Optional<String> staleLosses(Protocol protocol) {
    List<Stage> basis = List.of(cache(), explain(), scoreCache(), score(), simulate(protocol));
    return rewrite(protocol).flatMap(stage -> stale(stage, basis));
  }

  private Optional<String> stale(Stage stage, List<Stage> basis) {
    Verdict own = ledger.judge(stage);
    if (own.standing() == Standing.STALE) {
      return Optional.of(own.reason());
    }
    for (Stage lower : basis) {
      Verdict verdict = ledger.judge(lower);
      if (verdict.standing() == Standing.STALE) {
        return Optional.of(lower.name() + " is out of date: " + verdict.reason());
      }
    }
    return Optional.empty();
  }

  /** What decides which activations are read, besides files. */
  private Map<String, Object> reading() {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("seed", config.seed());
    settings.put("hookpoint", unit.hookpoint());
    settings.put("transcode", unit.given().transcode());
    settings.put("data", RunInputs.reading(config));
    if (!config.modelPrecision().equals(Precision.FP32.label())) {
      settings.put("model_precision", config.modelPrecision());
    }
    return settings;
  }

  private Map<String, String> basis() {
    Map<String, String> basis = new TreeMap<>();
    basis.put(MODEL, inputs.modelDigest());
    basis.put(TEXT, inputs.textDigest());
    basis.put(CODER, coder());
    return basis;
  }

  /** Whether the words that are there were written for another coder. */
  boolean explainedAnotherCoder() {
    return ledger
        .entry(name(StageName.EXPLAIN))
        .map(entry -> !coder().equals(entry.inputs().get(CODER)))
        .orElse(false);
  }

  /** The digest of the coder's files; empty before there is one. */
  String coder() {
    return unit.files(run).stream().allMatch(Files::isRegularFile)
        ? digests.of(unit.files(run))
        : "";
  }

  private Map<String, String> with(Map<String, String> basis, String name, Path file) {
    Map<String, String> more = new TreeMap<>(basis);
    more.put(name, ledger.digest(file));
    return more;
  }

  private Map<String, String> withWords(Map<String, String> basis) {
    return with(
        with(basis, EXPLANATIONS, run.explanations(unit.name())),
        GLOSSARY,
        run.glossary(unit.name()));
  }

  private String name(StageName stage) {
    return stage.label() + "." + unit.label();
  }
}
