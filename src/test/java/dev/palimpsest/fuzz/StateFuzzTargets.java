package dev.palimpsest.fuzz;

import dev.palimpsest.activations.ActivationFuzzing;
import dev.palimpsest.base.FileDigests;
import dev.palimpsest.base.Json;
import dev.palimpsest.experiment.ExperimentFuzzing;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.explain.ExplanationStore;
import dev.palimpsest.fuzz.Mutator.Kind;
import dev.palimpsest.latents.LatentCache;
import dev.palimpsest.latents.SyntheticCache;
import dev.palimpsest.report.RewriteTable;
import dev.palimpsest.report.TrainingCurve;
import dev.palimpsest.results.Interval;
import dev.palimpsest.results.Protocol;
import dev.palimpsest.results.RewriteConfig;
import dev.palimpsest.results.RewriteResult;
import dev.palimpsest.results.Selection;
import dev.palimpsest.rewrite.RewriteStage;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.run.StageLedger;
import dev.palimpsest.simulate.CalibrationMap;
import dev.palimpsest.simulate.CalibrationMeans;
import dev.palimpsest.simulate.CalibrationSet;
import dev.palimpsest.simulate.CalibrationStore;
import dev.palimpsest.simulate.JointFit;
import dev.palimpsest.simulate.LatentScore;
import dev.palimpsest.simulate.ScoreStore;
import dev.palimpsest.train.TrainFuzzing;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;

/** The readers of what a run leaves behind. */
final class StateFuzzTargets {
  private final Path folder;

  /**
   * @param folder for the good files while they are made
   */
  StateFuzzTargets(Path folder) {
    this.folder = folder;
  }

  List<FuzzTarget> all() throws IOException {
    Path cache = FuzzTargets.anew(folder, "latents");
    SyntheticCache.write(
        cache,
        SyntheticCache.rows(6, 8, 30, 1),
        7,
        2,
        (latent, row, position) -> row[position] % 7 == latent ? 1.5f + position : 0);
    Path explanations = FuzzTargets.anew(folder, "explanations");
    ExplanationStore.write(
        explanations.resolve("a.jsonl"),
        List.of(
            new Explanation(0, "fires on ' the'", "lexical"),
            new Explanation(3, "verbs", "lexical")));
    Path scores = FuzzTargets.anew(folder, "scores");
    ScoreStore.write(
        scores.resolve("a.jsonl"),
        List.of(new LatentScore(0, .75, .5, 1, .25, 8, 8), new LatentScore(3, .5, 1, 0, 0, 8, 8)));
    Path checkpoint = FuzzTargets.anew(folder, "checkpoint");
    TrainFuzzing.writeCheckpoint(checkpoint);
    Path identity = FuzzTargets.anew(folder, "identity");
    TrainFuzzing.writeIdentity(identity.resolve("train.json"));
    Path metrics = FuzzTargets.anew(folder, "metrics");
    Files.writeString(
        metrics.resolve("metrics.jsonl"),
        """
        {"step":0,"coders":[{"coder":"layers.2.mlp","fvu":0.9}]}
        {"step":1,"coders":[{"coder":"layers.2.mlp","fvu":0.5,"held_out_fvu":0.6}]}
        """);
    Path experiment = FuzzTargets.anew(folder, "experiment");
    for (String name : List.of("demo.yaml", "defaults.yaml")) {
      try (InputStream in = ExperimentFuzzing.class.getResourceAsStream(name)) {
        Files.write(experiment.resolve(name), Objects.requireNonNull(in, name).readAllBytes());
      }
    }
    Path activations = FuzzTargets.anew(folder, "activations");
    ActivationFuzzing.write(activations);
    Path calibrations = FuzzTargets.anew(folder, "calibrations");
    CalibrationStore.write(calibrations.resolve("a.jsonl"), calibrations());
    Path ledger = FuzzTargets.anew(folder, "ledger");
    RunDirectory run = new RunDirectory(ledger);
    Files.writeString(ledger.resolve("coder"), "weights");
    new StageLedger(run, FileDigests.inMemory()).record(stage(run), Map.of("fvu", 0.25), 1.5);
    Path rewrite = FuzzTargets.anew(folder, "rewrite");
    Files.writeString(rewrite.resolve("rewrite.json"), Json.pretty(result()));
    return List.of(
        FuzzTargets.target(
            "calibrations",
            Kind.JSON_LINES,
            "a.jsonl",
            4,
            at -> CalibrationStore.read(at.resolve("a.jsonl")),
            calibrations),
        FuzzTargets.target(
            "ledger entry",
            Kind.JSON,
            "stages/train.json",
            4,
            StateFuzzTargets::readLedger,
            ledger),
        FuzzTargets.target(
            "rewrite.json", Kind.JSON, "rewrite.json", 4, StateFuzzTargets::readRewrite, rewrite),
        FuzzTargets.target(
            "activation cache's plan",
            Kind.JSON,
            "activations.json",
            4,
            ActivationFuzzing::read,
            activations),
        FuzzTargets.target(
            "activation cache's shard",
            Kind.SAFETENSORS,
            "shard-00001.safetensors",
            4,
            ActivationFuzzing::read,
            activations),
        FuzzTargets.target(
            "latent cache",
            Kind.SAFETENSORS,
            "0_0.safetensors",
            4,
            StateFuzzTargets::readCache,
            cache),
        FuzzTargets.target(
            "latent cache header", Kind.JSON, "config.json", 4, StateFuzzTargets::readCache, cache),
        FuzzTargets.target(
            "explanations",
            Kind.JSON_LINES,
            "a.jsonl",
            4,
            at -> ExplanationStore.read(at.resolve("a.jsonl")),
            explanations),
        FuzzTargets.target(
            "scores",
            Kind.JSON_LINES,
            "a.jsonl",
            4,
            at -> ScoreStore.balancedAccuracy(ScoreStore.read(at.resolve("a.jsonl")), 8),
            scores),
        FuzzTargets.target(
            "checkpoint",
            Kind.SAFETENSORS,
            "checkpoints/step-000000000007/trainer.safetensors",
            3,
            StateFuzzTargets::readCheckpoint,
            checkpoint),
        FuzzTargets.target(
            "checkpoint state",
            Kind.JSON,
            "checkpoints/step-000000000007/state.json",
            3,
            StateFuzzTargets::readCheckpoint,
            checkpoint),
        FuzzTargets.target(
            "train identity",
            Kind.JSON,
            "train.json",
            3,
            at -> TrainFuzzing.readIdentity(at.resolve("train.json")),
            identity),
        FuzzTargets.target(
            "metrics.jsonl",
            Kind.JSON_LINES,
            "metrics.jsonl",
            3,
            at -> TrainingCurve.readAll(at.resolve("metrics.jsonl")),
            metrics),
        FuzzTargets.target(
            "experiment",
            Kind.TEXT,
            "demo.yaml",
            4,
            at -> ExperimentFuzzing.read(at.resolve("demo.yaml")),
            experiment),
        FuzzTargets.target(
            "defaults",
            Kind.TEXT,
            "defaults.yaml",
            4,
            at -> ExperimentFuzzing.read(at.resolve("defaults.yaml")),
            experiment));
  }

  private static void readCheckpoint(Path folder) {
    TrainFuzzing.readCheckpoint(folder);
  }

  private static void readCache(Path folder) {
    try (LatentCache cache = LatentCache.open(folder)) {
      cache.statistics();
      for (int latent = 0; latent < cache.latents(); latent++) {
        cache.activations(latent);
      }
    }
  }

  private static CalibrationSet calibrations() {
    CalibrationMap map = new CalibrationMap(new float[] {0, 3, 10}, new float[] {0, .5f, 2});
    return new CalibrationSet(
        100,
        new CalibrationMeans(new float[] {1, -2}, new float[] {.5f, 0}),
        new float[] {2, 1},
        new float[] {.25f, 0},
        new boolean[] {false, true},
        new CalibrationMap[] {map, map},
        new CalibrationMap[] {map, map},
        Optional.of(new CalibrationMap[] {map, map}),
        Optional.of(new JointFit(new float[] {1, .5f}, new float[] {0, -.25f})));
  }

  private static StageLedger.Stage stage(RunDirectory run) {
    return new StageLedger.Stage(
        "train", Map.of("k", 8), Map.of("the text", "ab"), List.of(run.root().resolve("coder")));
  }

  private static void readLedger(Path folder) {
    RunDirectory run = new RunDirectory(folder);
    StageLedger ledger = new StageLedger(run, FileDigests.inMemory());
    ledger.finished();
    ledger.judge(stage(run));
    ledger.isDamaged(stage(run));
  }

  private static void readRewrite(Path folder) {
    RewriteTable.read(folder.resolve("rewrite.json"));
    RewriteStage.read(folder.resolve("rewrite.json"));
  }

  private static RewriteResult result() {
    Map<String, RewriteResult.Baseline> baselines = new LinkedHashMap<>();
    baselines.put(
        RewriteResult.UNSPLICED,
        new RewriteResult.Baseline(
            OptionalDouble.of(2),
            OptionalDouble.of(0.125),
            Optional.of(new Interval(0, 0.25)),
            OptionalDouble.of(0.125),
            OptionalDouble.empty(),
            OptionalDouble.of(1)));
    return new RewriteResult(
        "layers.2.mlp",
        Protocol.ALL_TOKENS,
        7,
        5,
        70,
        64,
        8,
        RewriteConfig.allTokens(),
        List.of(),
        Map.of(),
        baselines,
        Optional.of(RewriteResult.MEAN_LATENTS),
        List.of(),
        List.of(
            new RewriteResult.Rewrite(
                "lexical",
                "quantile",
                Selection.BEST,
                0.1,
                6,
                true,
                OptionalDouble.of(3),
                OptionalDouble.of(1),
                Optional.of(new Interval(0.5, 1.5)),
                OptionalDouble.of(0.75),
                OptionalDouble.of(0.5),
                OptionalDouble.of(0.4),
                OptionalDouble.empty(),
                Optional.empty(),
                OptionalDouble.of(0.01),
                OptionalDouble.of(0.02),
                OptionalDouble.of(2.5),
                OptionalDouble.of(0.5),
                OptionalDouble.of(0.03),
                OptionalDouble.empty(),
                OptionalDouble.of(1),
                new RewriteResult.BeyondStrongest(
                    OptionalDouble.of(0.25),
                    Optional.of(new Interval(0.2, 0.3)),
                    OptionalDouble.of(0.04),
                    OptionalDouble.of(0.08)))));
  }
}
