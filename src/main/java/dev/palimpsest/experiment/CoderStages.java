package dev.palimpsest.experiment;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Seeds;
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
import dev.palimpsest.latents.ScratchFolder;
import dev.palimpsest.lexical.DecoderRows;
import dev.palimpsest.lexical.GlossaryMaker;
import dev.palimpsest.lexical.LexicalConfig;
import dev.palimpsest.lexical.LexicalExplainer;
import dev.palimpsest.lexical.Lexicon;
import dev.palimpsest.llm.AskedModel;
import dev.palimpsest.results.Protocol;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.run.RunLog;
import dev.palimpsest.run.StageLedger;
import dev.palimpsest.run.StageLedger.Stage;
import dev.palimpsest.run.StageLedger.Standing;
import dev.palimpsest.run.StageLedger.Verdict;
import dev.palimpsest.run.StageName;
import dev.palimpsest.simulate.CalibrationText;
import dev.palimpsest.simulate.ScoreConfig;
import dev.palimpsest.simulate.ScoreStage;
import dev.palimpsest.simulate.ShuffledExplanations;
import dev.palimpsest.simulate.SimulateConfig;
import dev.palimpsest.simulate.SimulateStage;
import dev.palimpsest.text.JoinedWindows;
import dev.palimpsest.text.Split;
import dev.palimpsest.text.TokenWindows;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The stages of one coder, from its latent cache to its loss table. */
final class CoderStages {
  private final ExperimentConfig config;
  private final RunDirectory run;
  private final RunLog log;
  private final StageLedger ledger;
  private final RunContext bench;
  private final StagePlan plan;
  private final RunRequest request;
  private final String name;
  private final String hookpoint;
  private final Simulators simulators;

  /**
   * @param plan what this coder's stages depend on and leave
   * @param request which of them are wanted
   */
  CoderStages(
      ExperimentConfig config,
      RunDirectory run,
      RunLog log,
      StageLedger ledger,
      RunContext bench,
      StagePlan plan,
      RunRequest request) {
    this.config = config;
    this.run = run;
    this.log = log;
    this.ledger = ledger;
    this.bench = bench;
    this.plan = plan;
    this.request = request;
    name = plan.unit().name();
    hookpoint = plan.unit().hookpoint();
    simulators = new Simulators(config, bench, run, name, log);
  }

  /**
   * Runs the wanted stages, each after what it stands on has been brought up to date.
   *
   * @throws PalimpsestException where something that a wanted stage stands on has never been done,
   *     or is out of date and must not be refreshed
   */
  void run() {
    for (StageName stage : StageName.values()) {
      if (request.wants(stage)) {
        for (StageName lower : StagePlan.below(stage)) {
          if (!request.wants(lower)) {
            refresh(lower);
          }
        }
        run(stage, request.force());
      }
    }
  }

  private void run(StageName stage, boolean again) {
    switch (stage) {
      case CACHE -> cache(again);
      case EXPLAIN -> explain(again);
      case SCORE -> score(again);
      case SIMULATE -> config.protocols().forEach(protocol -> simulate(protocol, again));
      case REWRITE -> new RewriteStages(config, run, log, ledger, bench, plan).run(again);
      case TRAIN, REPORT -> {}
    }
  }

  private void refresh(StageName lower) {
    for (Stage each : plan.of(lower)) {
      Verdict verdict = ledger.judge(each);
      if (verdict.standing() == Standing.MISSING) {
        throw new PalimpsestException(
            run.root()
                + ": the stage '"
                + lower.label()
                + "' of "
                + name
                + " is not done yet ("
                + verdict.reason()
                + "); run 'palimpsest "
                + lower.label()
                + " "
                + run.root()
                + "' first");
      }
      if (verdict.standing() == Standing.STALE) {
        if (!request.refresh()) {
          throw new PalimpsestException(
              run.root()
                  + ": "
                  + each.name()
                  + " is out of date ("
                  + verdict.reason()
                  + "); run 'palimpsest "
                  + lower.label()
                  + " "
                  + run.root()
                  + "', or leave out --no-refresh");
        }
        log.says(each.name() + " is done again: " + verdict.reason());
        run(lower, false);
      }
    }
  }

  private void cache(boolean again) {
    Stage stage = plan.cache();
    ledger.ensure(
        stage,
        again,
        () -> fill(stage, again, Split.EXPLAIN, config.cache().tokens(), run.latents(name)),
        log);
  }

  private void explain(boolean again) {
    Stage stage = plan.explain();
    HandEdits edits = new HandEdits(run, name);
    GlossaryFile glossary = new GlossaryFile(run, name);
    boolean replace = request.replacesTexts();
    int edited = replace ? 0 : edits.latents().size();
    if (edited > 0) {
      if (plan.explainedAnotherCoder()) {
        throw new PalimpsestException(personsTexts(run.explanations(name), edited));
      }
      log.says(
          String.format(
              Locale.ROOT, "%,d explanations of %s are a person's and stay", edited, name));
    }
    if (again || replace) {
      ScratchFolder.remove(ScratchFolder.beside(edits.target()));
    }
    ledger.ensure(
        stage,
        again || replace,
        () -> {
          try (LatentCache cache = LatentCache.open(run.latents(name))) {
            Optional<AskedModel> asked = config.explain().explainer().model();
            if (asked.isPresent()) {
              new Explaining(config, bench, log)
                  .run(asked.get(), cache, run.coder(name), edits.target(), "explaining " + name);
              return ExplainStage.summary(cache.latents(), edits.merge(replace));
            }
            DecoderRows decoder = decoderRows();
            Lexicon lexicon =
                glossary.lexicon(
                    bench.names(),
                    replace,
                    names -> GlossaryMaker.make(cache, lexicalConfig(), names, decoder));
            Explainer explainer = new LexicalExplainer(lexicalConfig(), lexicon, decoder);
            ExplainStage.run(
                cache, explainer, stage.source(), edits.target(), "explaining " + name, log);
            keepChosen(cache, edits.target());
            return ExplainStage.summary(cache.latents(), edits.merge(replace));
          }
        },
        log);
  }

  /** Where few latents are to be explained, the texts of the others are dropped. */
  private void keepChosen(LatentCache cache, Path file) {
    if (config.explain().latents() > 0) {
      BitSet chosen = Explaining.chosen(cache, config);
      ExplanationStore.write(
          file,
          ExplanationStore.read(file).stream().filter(text -> chosen.get(text.latent())).toList());
    }
  }

  /** Why words are not written over what a person wrote for another coder. */
  static String personsTexts(Path file, int lines) {
    return String.format(
        Locale.ROOT,
        "%s has %,d lines that a person wrote for another coder: add --replace-texts to have new"
            + " ones (the old file is kept beside), or choose another run directory",
        file,
        lines);
  }

  private void score(boolean again) {
    Stage reading = plan.scoreCache();
    Path folder = run.scoreLatents(name);
    ledger.ensure(
        reading,
        again,
        () -> {
          // Their faults are told before minutes are spent on what they are scored against.
          scoredTexts();
          return fill(reading, again, Split.SCORE, config.score().tokens(), folder);
        },
        log);
    Stage scoring = plan.score();
    dropUnfinished(scoring, again);
    ledger.ensure(
        scoring,
        again,
        () -> {
          try (LatentCache cache = LatentCache.open(folder)) {
            List<Explanation> texts = scoredTexts();
            Optional<AskedModel> judge = config.score().judge().model();
            if (judge.isPresent()) {
              return new Judging(config, bench, run, log)
                  .run(judge.get(), texts, cache, scoreConfig(), name);
            }
            return ScoreStage.run(
                texts,
                some -> simulators.lexical(cache.latents(), some),
                cache,
                scoreConfig(),
                scoring.source(),
                run.scores(name),
                done -> progress("scoring " + name, "latents", done, cache.latents()));
          }
        },
        log);
  }

  /** Each protocol has its own calibrations, fitted on windows like those it evaluates. */
  private void simulate(Protocol protocol, boolean again) {
    int contextTokens = config.windows(protocol).contextLength();
    Path file = run.simulations(name, protocol.label());
    Stage stage = plan.simulate(protocol);
    dropUnfinished(stage, again);
    ledger.ensure(
        stage,
        again,
        () -> {
          float[] maxima;
          try (LatentCache cache = LatentCache.open(run.latents(name))) {
            maxima = cache.statistics().maxima();
          }
          List<Explanation> texts = simulators.texts(maxima.length);
          List<SimulateStage.Rated> rated = new ArrayList<>();
          rated.add(new SimulateStage.Rated(simulators.of(maxima.length, texts), file));
          if (stage.outputs().size() > 1) {
            rated.add(
                new SimulateStage.Rated(
                    simulators.of(maxima.length, ShuffledExplanations.of(texts, config.seed())),
                    stage.outputs().get(1)));
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
                  config.seed(),
                  config.fitsJointly() ? config.simulate().jointTokens() : 0);
          long tokens = SimulateStage.tokens(text, settings);
          try (SparseCoder coder = SparseCoder.load(run.coder(name), bench.device())) {
            SimulateStage.Result result =
                SimulateStage.run(
                    stream(coder),
                    text,
                    rated,
                    maxima,
                    settings,
                    stage.source(),
                    done ->
                        progress(
                            "calibrating " + name + ", " + protocol.label(),
                            "tokens",
                            done,
                            tokens));
            // Not the speed: the same run leaves the same bytes.
            return Map.of("tokens", result.tokens(), "borrowed", result.borrowed());
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

  /** Reads the latents of a split, unless the folder holds just these and is whole. */
  private CacheHeader fill(Stage stage, boolean again, Split split, long wanted, Path folder) {
    dropUnfinished(stage, again);
    // One that is being built is gone on with.
    boolean whole = LatentCache.isComplete(folder) && !Files.exists(folder.resolve(".building"));
    if (again || (whole && ledger.isDamaged(stage))) {
      remove(folder);
    }
    try (SparseCoder coder = SparseCoder.load(run.coder(name), bench.device())) {
      TokenWindows windows = windows(split);
      long tokens = Math.min(wanted, tokens(windows));
      Map<String, String> source = new TreeMap<>(stage.source());
      source.put("split", split.name().toLowerCase(Locale.ROOT));
      source.put("tokens", bench.corpus().fingerprint());
      return CacheStage.run(
              stream(coder),
              windows,
              new CacheConfig(tokens, config.cache().batchRows(), Seeds.mix(config.seed())),
              source,
              folder,
              done -> progress("reading latents of " + name, "tokens", done, tokens))
          .header();
    }
  }

  /** The text of a split; that to explain from is filled up from what was trained on. */
  private TokenWindows windows(Split split) {
    TokenWindows own = bench.corpus().windows(split, config.cache().contextLength());
    if (split != Split.EXPLAIN) {
      return own;
    }
    return JoinedWindows.upTo(
        Math.min(config.cache().leastTokens(), config.cache().tokens()),
        own,
        bench.corpus().windows(Split.TRAIN, config.cache().contextLength()),
        Seeds.mix(config.seed()));
  }

  /** Done again from the start, a stage does not go on from what a killed one has kept. */
  private static void dropUnfinished(Stage stage, boolean again) {
    if (again) {
      stage.outputs().forEach(output -> ScratchFolder.remove(ScratchFolder.beside(output)));
    }
  }

  private static void remove(Path folder) {
    if (!Files.isDirectory(folder)) {
      return;
    }
    try (Stream<Path> tree = Files.walk(folder)) {
      for (Path each : tree.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot remove " + folder + ": " + AtomicFiles.describe(failure), failure);
    }
  }

  private LatentStream stream(SparseCoder coder) {
    boolean transcode = plan.unit().given().transcode() || coder.config().readsModuleInput();
    return new LatentStream(bench.model(), coder, hookpoint, transcode, bench.excluded());
  }

  /** The texts as they are now, of latents that the coder has, for whoever scores them. */
  private List<Explanation> scoredTexts() {
    try (LatentCache cache = LatentCache.open(run.latents(name))) {
      return config.score().judge().isLexical()
          ? simulators.lexicalTexts(cache.latents())
          : bench.explanations(run.explanations(name), cache.latents());
    }
  }

  private DecoderRows decoderRows() {
    try (SparseCoder coder = SparseCoder.load(run.coder(name))) {
      int width = coder.config().width();
      float[] rows = new float[Math.multiplyExact(coder.config().numLatents(), width)];
      for (int latent = 0; latent < coder.config().numLatents(); latent++) {
        System.arraycopy(coder.decoderRow(latent), 0, rows, latent * width, width);
      }
      return new DecoderRows(width, rows);
    }
  }

  private void progress(String what, String unit, long done, long total) {
    log.advanced(what, unit, Math.min(done, total), total);
  }

  private static long tokens(TokenWindows windows) {
    return windows.size() * windows.contextLength();
  }
}
