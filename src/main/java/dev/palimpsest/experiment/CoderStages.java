package dev.palimpsest.experiment;

import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Seeds;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.explain.ExplainStage;
import dev.palimpsest.explain.Explainer;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.explain.ExplanationStore;
import dev.palimpsest.latents.CacheConfig;
import dev.palimpsest.latents.CacheHeader;
import dev.palimpsest.latents.CacheStage;
import dev.palimpsest.latents.LatentCache;
import dev.palimpsest.latents.LatentStream;
import dev.palimpsest.lexical.LexicalConfig;
import dev.palimpsest.lexical.LexicalExplainer;
import dev.palimpsest.lexical.LexicalSimulator;
import dev.palimpsest.results.Protocol;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.run.RunLog;
import dev.palimpsest.run.StageLedger;
import dev.palimpsest.run.StageName;
import dev.palimpsest.simulate.CalibrationText;
import dev.palimpsest.simulate.ScoreConfig;
import dev.palimpsest.simulate.ScoreStage;
import dev.palimpsest.simulate.ShuffledExplanations;
import dev.palimpsest.simulate.SimulateConfig;
import dev.palimpsest.simulate.SimulateStage;
import dev.palimpsest.text.Split;
import dev.palimpsest.text.TokenWindows;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** The stages of one coder, from its latent cache to its loss table. */
final class CoderStages {
  private final ExperimentConfig config;
  private final RunDirectory run;
  private final RunLog log;
  private final StageLedger ledger;
  private final RunContext bench;
  private final ExperimentConfig.Coder given;
  private final String hookpoint;
  private final boolean main;

  /**
   * @param index of the coder in the configuration
   */
  CoderStages(
      ExperimentConfig config,
      RunDirectory run,
      RunLog log,
      StageLedger ledger,
      RunContext bench,
      int index) {
    this.config = config;
    this.run = run;
    this.log = log;
    this.ledger = ledger;
    this.bench = bench;
    given = config.coders().get(index);
    hookpoint = given.hookpoint();
    main = index == mainCoder(config);
    if (!config.explain().explainer().equals(LexicalExplainer.NAME)) {
      throw new UsageException(
          "unknown explainer '"
              + config.explain().explainer()
              + "'; known: "
              + LexicalExplainer.NAME);
    }
  }

  /**
   * The coder whose all-tokens table is {@code rewrite.json}: the first transcoder, else the first.
   */
  static int mainCoder(ExperimentConfig config) {
    for (int i = 0; i < config.coders().size(); i++) {
      if (config.coders().get(i).transcode()) {
        return i;
      }
    }
    return 0;
  }

  /** Runs the wanted stages; returns the entries of all that are finished. */
  List<StageLedger.Entry> run(Set<StageName> wanted, List<StageLedger.Entry> coders) {
    List<StageLedger.Entry> done = new ArrayList<>();
    if (wanted.contains(StageName.CACHE)) {
      done.add(cache(coders));
    }
    if (wanted.contains(StageName.EXPLAIN)) {
      require(StageName.CACHE, run.latents(hookpoint).resolve("config.json"));
      done.add(explain());
    }
    if (wanted.contains(StageName.SCORE)) {
      require(StageName.EXPLAIN, run.explanations(hookpoint));
      done.add(score(coders));
    }
    if (wanted.contains(StageName.SIMULATE)) {
      require(StageName.EXPLAIN, run.explanations(hookpoint));
      for (Protocol protocol : config.protocols()) {
        done.add(simulate(protocol, coders));
      }
    }
    if (wanted.contains(StageName.REWRITE)) {
      for (Protocol protocol : config.protocols()) {
        require(StageName.SIMULATE, run.simulations(hookpoint, protocol.label()));
      }
      require(StageName.SCORE, run.scores(hookpoint));
      done.addAll(
          new RewriteStages(config, run, log, ledger, bench, given, main).run(basis(coders)));
    }
    return done;
  }

  private StageLedger.Entry cache(List<StageLedger.Entry> coders) {
    return ledger.ensure(
        stage(StageName.CACHE),
        List.of(config.model(), config.seed(), config.data(), config.cache()),
        coders,
        List.of(run.latents(hookpoint)),
        () -> fill(Split.EXPLAIN, config.cache().tokens(), run.latents(hookpoint)).header(),
        log);
  }

  private StageLedger.Entry explain() {
    return ledger.ensure(
        stage(StageName.EXPLAIN),
        config.explain(),
        List.of(finished(StageName.CACHE)),
        List.of(run.explanations(hookpoint)),
        () -> {
          Explainer explainer = new LexicalExplainer(lexicalConfig(), bench.names());
          try (LatentCache cache = LatentCache.open(run.latents(hookpoint))) {
            return ExplainStage.run(
                cache,
                explainer,
                Map.of("cache", Json.line(cache.header()), "settings", Json.line(config.explain())),
                run.explanations(hookpoint),
                done -> progress("explaining " + hookpoint, "latents", done, cache.latents()));
          }
        },
        log);
  }

  private StageLedger.Entry score(List<StageLedger.Entry> coders) {
    return ledger.ensure(
        stage(StageName.SCORE),
        List.of(config.score(), config.cache().contextLength(), config.seed()),
        basis(coders),
        List.of(run.scores(hookpoint)),
        () -> {
          Path folder = run.scoreLatents(hookpoint);
          fill(Split.SCORE, config.score().tokens(), folder);
          try (LatentCache cache = LatentCache.open(folder)) {
            List<Explanation> texts = ExplanationStore.read(run.explanations(hookpoint));
            return ScoreStage.run(
                texts,
                some -> simulator(cache.latents(), some),
                cache,
                scoreConfig(),
                textSource(cache.header()),
                run.scores(hookpoint),
                done -> progress("scoring " + hookpoint, "latents", done, cache.latents()));
          }
        },
        log);
  }

  /** Each protocol has its own calibrations, fitted on windows like those it evaluates. */
  private StageLedger.Entry simulate(Protocol protocol, List<StageLedger.Entry> coders) {
    int contextTokens = config.windows(protocol).contextLength();
    Path file = run.simulations(hookpoint, protocol.label());
    List<Explanation> texts = ExplanationStore.read(run.explanations(hookpoint));
    List<Path> outputs = new ArrayList<>(List.of(file));
    if (texts.size() >= ShuffledExplanations.FEWEST) {
      outputs.add(run.shuffledSimulations(hookpoint, protocol.label()));
    }
    return ledger.ensure(
        stage(StageName.SIMULATE) + "." + protocol.label(),
        List.of(config.simulate(), contextTokens, config.cache().contextLength(), config.seed()),
        basis(coders),
        outputs,
        () -> {
          float[] maxima;
          CacheHeader header;
          try (LatentCache cache = LatentCache.open(run.latents(hookpoint))) {
            maxima = cache.statistics().maxima();
            header = cache.header();
          }
          List<SimulateStage.Rated> rated = new ArrayList<>();
          rated.add(new SimulateStage.Rated(simulator(maxima.length, texts), file));
          if (outputs.size() > 1) {
            rated.add(
                new SimulateStage.Rated(
                    simulator(maxima.length, ShuffledExplanations.of(texts, config.seed())),
                    outputs.get(1)));
          }
          CalibrationText text =
              CalibrationText.of(
                  protocol,
                  length -> bench.corpus().windows(Split.CALIBRATE, length),
                  contextTokens,
                  config.cache().contextLength());
          SimulateConfig settings =
              new SimulateConfig(
                  config.simulate().calibrationTokens(),
                  config.cache().batchRows() * config.cache().contextLength(),
                  config.seed());
          long tokens = SimulateStage.tokens(text, settings);
          try (SparseCoder coder = SparseCoder.load(run.coder(hookpoint), bench.device())) {
            return SimulateStage.run(
                stream(coder),
                text,
                rated,
                maxima,
                settings,
                calibrationSource(header),
                done ->
                    progress(
                        "calibrating " + hookpoint + ", " + protocol.label(),
                        "tokens",
                        done,
                        tokens));
          }
        },
        log);
  }

  private LexicalConfig lexicalConfig() {
    LexicalConfig usual =
        LexicalConfig.defaults()
            .withCharacters(config.explain().maxCharacters())
            .withTokens(config.explain().tokens());
    return config.threads() > 0 ? usual.withThreads(config.threads()) : usual;
  }

  private ScoreConfig scoreConfig() {
    ScoreConfig usual = ScoreConfig.defaults();
    int windows = config.score().windows();
    return new ScoreConfig(
        usual.windowLength(),
        usual.quantiles(),
        Math.max(1, windows / usual.quantiles()),
        windows,
        usual.threshold(),
        config.seed());
  }

  private CacheStage.Result fill(Split split, long wanted, Path folder) {
    try (SparseCoder coder = SparseCoder.load(run.coder(hookpoint), bench.device())) {
      TokenWindows windows = bench.corpus().windows(split, config.cache().contextLength());
      long tokens = Math.min(wanted, tokens(windows));
      return CacheStage.run(
          stream(coder),
          windows,
          new CacheConfig(tokens, config.cache().batchRows(), Seeds.mix(config.seed())),
          source(split),
          folder,
          done -> progress("reading latents of " + hookpoint, "tokens", done, tokens));
    }
  }

  /** What latents are made from. */
  private Map<String, String> source(Split split) {
    return Map.of(
        "model", config.model(),
        "text", bench.corpus().fingerprint(),
        "split", split.name().toLowerCase(java.util.Locale.ROOT),
        "seed", Long.toString(config.seed()),
        "coder",
            StageLedger.ofFile("coder", run.coder(hookpoint).resolve("sae.safetensors"))
                .fingerprint());
  }

  /** What calibrations are fitted to. */
  private Map<String, String> calibrationSource(CacheHeader cache) {
    Map<String, String> source = new TreeMap<>(source(Split.CALIBRATE));
    source.putAll(textSource(cache));
    return source;
  }

  /** What figures of explanations on a cache depend on. */
  private Map<String, String> textSource(CacheHeader cache) {
    return Map.of(
        "cache", Json.line(cache),
        "explanations",
            StageLedger.ofFile("explanations", run.explanations(hookpoint)).fingerprint());
  }

  private LatentStream stream(SparseCoder coder) {
    boolean transcode = given.transcode() || coder.config().readsModuleInput();
    return new LatentStream(bench.model(), coder, hookpoint, transcode, bench.excluded());
  }

  private LexicalSimulator simulator(int latents, List<Explanation> texts) {
    return new LexicalSimulator(latents, texts, bench.names());
  }

  /**
   * What scores, calibrations and losses depend on: the coder, its cache, and the words as they are
   * now.
   */
  private List<StageLedger.Entry> basis(List<StageLedger.Entry> coders) {
    List<StageLedger.Entry> basis = new ArrayList<>(coders);
    basis.add(finished(StageName.CACHE));
    basis.add(StageLedger.ofFile("explanations", run.explanations(hookpoint)));
    return basis;
  }

  private StageLedger.Entry finished(StageName stage) {
    String name = stage(stage);
    return ledger.finished().stream()
        .filter(entry -> entry.stage().equals(name))
        .findFirst()
        .orElseThrow(() -> missing(stage));
  }

  private void require(StageName stage, Path output) {
    if (!Files.exists(output)) {
      throw missing(stage);
    }
  }

  private PalimpsestException missing(StageName stage) {
    return new PalimpsestException(
        run.root()
            + ": the stage '"
            + stage.label()
            + "' of "
            + hookpoint
            + " is not done yet; run 'palimpsest "
            + stage.label()
            + " "
            + run.root()
            + "' first");
  }

  private String stage(StageName stage) {
    return stage.label() + "." + hookpoint;
  }

  private void progress(String what, String unit, long done, long total) {
    log.advanced(what, unit, Math.min(done, total), total);
  }

  private static long tokens(TokenWindows windows) {
    return windows.size() * windows.contextLength();
  }
}
