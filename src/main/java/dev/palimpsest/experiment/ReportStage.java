package dev.palimpsest.experiment;

import dev.palimpsest.base.Environment;
import dev.palimpsest.base.StateFiles;
import dev.palimpsest.model.ModelConfig;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.report.CoderLatents;
import dev.palimpsest.report.Fact;
import dev.palimpsest.report.FactGroup;
import dev.palimpsest.report.HtmlReport;
import dev.palimpsest.report.ReportData;
import dev.palimpsest.report.RewriteTable;
import dev.palimpsest.report.TrainingCurve;
import dev.palimpsest.results.Protocol;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.run.RunLog;
import dev.palimpsest.run.StageLedger;
import dev.palimpsest.run.StageName;
import dev.palimpsest.text.Corpus;
import dev.palimpsest.train.Training;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Gathers what a run has found so far into {@code report.html}. */
final class ReportStage {
  private final ExperimentConfig config;
  private final RunDirectory run;
  private final RunContext bench;
  private final StageLedger ledger;
  private final List<StagePlan> plans;
  private final RunLog log;

  ReportStage(
      ExperimentConfig config,
      RunDirectory run,
      RunContext bench,
      StageLedger ledger,
      List<StagePlan> plans,
      RunLog log) {
    this.config = config;
    this.run = run;
    this.bench = bench;
    this.ledger = ledger;
    this.plans = plans;
    this.log = log;
  }

  /** Writes the page; always anew, as it is cheap and anything may have changed. */
  void write() {
    log.started(StageName.REPORT.label());
    long start = System.nanoTime();
    List<CoderLatents> latents = new ArrayList<>();
    List<String> leftOut = new ArrayList<>();
    for (StagePlan plan : plans) {
      LatentPageCollector.Sources sources =
          LatentPageCollector.Sources.current(run, plan, config.seed());
      sources.notes().forEach(note -> leftOut.add(plan.unit().name() + ": " + note));
      try (LatentPageCollector collector =
          new LatentPageCollector(sources, bench.model(), bench.tokenizer())) {
        latents.add(collector.collect(config.report().latents()));
      }
      log.advanced("collecting latents", "coders", latents.size(), plans.size());
    }
    List<TrainingCurve> curves = curves(leftOut);
    List<RewriteTable> tables = tables(leftOut);
    for (Path entry : ledger.damaged()) {
      leftOut.add(entry + " is damaged, so that its stage counts as not done; 'run' repeats it.");
    }
    leftOut.forEach(log::says);
    HtmlReport.write(
        run.report(),
        new ReportData(title(), introduction(tables, leftOut), facts(), tables, curves, latents));
    if (!tables.isEmpty()) {
      HtmlReport.writeFigure(run.figure(), tables.get(0));
    }
    log.finished(StageName.REPORT.label(), (System.nanoTime() - start) * 1e-9);
  }

  /** The curves of training, unless the file is not what training left. */
  private List<TrainingCurve> curves(List<String> leftOut) {
    Optional<String> damage = Training.damagedMetrics(run.root());
    damage.ifPresent(what -> leftOut.add("The course of training is left out: " + what + "."));
    return damage.isEmpty() && Files.exists(run.metrics())
        ? TrainingCurve.readAll(run.metrics())
        : List.of();
  }

  private String title() {
    return "Rewriting " + CoderUnit.main(config).hookpoint() + " of " + modelName() + " in words";
  }

  private String introduction(List<RewriteTable> tables, List<String> leftOut) {
    List<String> sentences = new ArrayList<>();
    sentences.add(
        "One component of a language model is replaced by a sparse coder whose latents are guessed"
            + " from explanations in words. The losses say how much of the model survives.");
    sentences.addAll(
        OverSeeds.sentences(
            plans,
            tables.stream()
                .filter(table -> table.protocol().equals(Protocol.ALL_TOKENS.label()))
                .toList()));
    sentences.addAll(leftOut);
    return String.join(" ", sentences);
  }

  private String modelName() {
    if (config.model().equals(ModelSource.EMBEDDED)) {
      return "the embedded model";
    }
    Path name = Path.of(config.model()).getFileName();
    return name == null ? config.model() : name.toString();
  }

  /**
   * The main table first, then the others in the order of coders and protocols; only those that are
   * up to date, so that none is compared with one from before a change.
   *
   * @param leftOut is told of the others
   */
  private List<RewriteTable> tables(List<String> leftOut) {
    List<RewriteTable> tables = new ArrayList<>();
    for (StagePlan plan : plans) {
      for (Protocol protocol : List.of(Protocol.ALL_TOKENS, Protocol.LAST_TOKEN)) {
        String name = plan.unit().name();
        Path file = run.rewrite(name, protocol.label());
        Optional<String> stale = plan.staleLosses(protocol);
        if (stale.isPresent() && Files.exists(file)) {
          leftOut.add(
              name
                  + ": Out of date, left out: losses of "
                  + protocol.label()
                  + " ("
                  + stale.get()
                  + "); 'rewrite' makes them anew.");
        } else if (config.windows(protocol).enabled() && Files.exists(file)) {
          boolean first = plan.isMain() && protocol == Protocol.ALL_TOKENS;
          tables.add(first ? 0 : tables.size(), RewriteTable.read(file));
        }
      }
    }
    return tables;
  }

  private List<FactGroup> facts() {
    List<FactGroup> groups = new ArrayList<>();
    ModelConfig model = bench.model().config();
    groups.add(
        new FactGroup(
            "Language model",
            List.of(
                new Fact("model", config.model()),
                new Fact("family", model.family().name().toLowerCase(Locale.ROOT)),
                new Fact("layers", Integer.toString(model.layers())),
                new Fact("width", Integer.toString(model.width())),
                new Fact("vocabulary", count(model.vocabularySize())))));
    Corpus corpus = bench.corpus();
    groups.add(
        new FactGroup(
            "Text",
            List.of(
                new Fact("files", String.join(", ", config.data().files())),
                new Fact("documents", count(corpus.documents())),
                new Fact("tokens", count(corpus.tokens())),
                new Fact("excluded tokens", config.data().excludeTokens()),
                new Fact("seed", Long.toString(config.seed())))));
    for (ExperimentConfig.Coder coder : config.coders()) {
      groups.add(coderFacts(coder));
    }
    groups.add(trainingFacts());
    groups.addAll(Accounts.facts(run));
    List<Fact> durations = new ArrayList<>();
    for (StageLedger.Entry entry : ledger.finished()) {
      durations.add(new Fact(entry.stage(), String.format(Locale.ROOT, "%.1f s", entry.seconds())));
    }
    groups.add(new FactGroup("Time taken", durations));
    groups.add(environmentFacts(StateFiles.read(run.environment(), Environment.class)));
    return groups;
  }

  private FactGroup coderFacts(ExperimentConfig.Coder coder) {
    String kind =
        coder.transcode()
            ? (coder.skipConnection() ? "skip transcoder" : "transcoder")
            : "sparse autoencoder";
    return new FactGroup(
        "Coder at " + coder.hookpoint(),
        List.of(
            new Fact("kind", coder.path().isPresent() ? "given: " + coder.path().get() : kind),
            new Fact("latents", count(coder.numLatents())),
            new Fact("k", Integer.toString(coder.k())),
            new Fact("activation", coder.activation())));
  }

  private FactGroup trainingFacts() {
    ExperimentConfig.Train train = config.train();
    return new FactGroup(
        "Training",
        List.of(
            new Fact("tokens", count(train.tokens())),
            new Fact("tokens a batch", count(train.batchTokens())),
            new Fact("optimiser", train.optimizer()),
            new Fact("learning rate", train.lr()),
            new Fact("warm-up steps", train.warmupSteps())));
  }

  private static FactGroup environmentFacts(Environment environment) {
    List<Fact> facts = new ArrayList<>();
    facts.add(new Fact("palimpsest", environment.palimpsest()));
    facts.add(new Fact("Java", environment.java()));
    facts.add(new Fact("system", environment.os()));
    facts.add(
        new Fact(
            "processor", environment.processor() + ", " + environment.processors() + " usable"));
    environment.libraries().forEach((name, version) -> facts.add(new Fact(name, version)));
    return new FactGroup("Versions and machine", facts);
  }

  private static String count(long number) {
    return String.format(Locale.ROOT, "%,d", number);
  }
}
