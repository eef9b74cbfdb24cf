package dev.palimpsest.experiment;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.activations.ActivationCache;
import dev.palimpsest.base.FileDigests;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Quoted;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.base.WholeNumbers;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.Activation;
import dev.palimpsest.model.ModelConfig;
import dev.palimpsest.model.ModelDigest;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.run.RunLog;
import dev.palimpsest.run.StageLedger;
import dev.palimpsest.run.StageLedger.Stage;
import dev.palimpsest.run.StageName;
import dev.palimpsest.train.CoderSpec;
import dev.palimpsest.train.Optimizer;
import dev.palimpsest.train.OptimizerConfig;
import dev.palimpsest.train.TrainConfig;
import dev.palimpsest.train.TrainResult;
import dev.palimpsest.train.Training;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;

/** Trains the coders of an experiment, or copies trained ones into the run directory. */
final class TrainStage {
  /** What the stage's record calls what it read. */
  static final String MODEL = "the model";

  static final String TEXT = "the text";

  private static final String AUTO = ExperimentConfig.AUTO;

  private final ExperimentConfig config;
  private final RunDirectory run;
  private final RunLog log;
  private final RunContext bench;
  private final FileDigests digests;

  /**
   * @param digests of the files of model and coders
   */
  TrainStage(
      ExperimentConfig config,
      RunDirectory run,
      RunLog log,
      RunContext bench,
      FileDigests digests) {
    this.config = config;
    this.run = run;
    this.log = log;
    this.bench = bench;
    this.digests = digests;
  }

  /**
   * Trains and copies what is not up to date.
   *
   * @param inputs of the run
   * @param again whether everything is trained anew
   * @param accepted called once the run directory has become this run's, before anything is trained
   */
  void ensure(RunInputs inputs, StageLedger ledger, boolean again, Runnable accepted) {
    Stage stage = stage(inputs);
    boolean current = !again && ledger.judge(stage).isCurrent();
    boolean recorded =
        specs(config).isEmpty() || !Training.lacksRecord(run.root(), trainConfig(config));
    if (current && recorded) {
      CoderUnit.of(config).forEach(this::requireIntact);
      accepted.run();
      Training.damagedMetrics(run.root()).ifPresent(log::says);
    }
    ledger.ensure(stage, !current || !recorded, () -> trainAndCopy(again, accepted), log);
  }

  /**
   * Makes sure that every coder is there, and that those given by path are the ones that lie there
   * now.
   *
   * @param refresh whether one that has changed is copied anew
   * @throws PalimpsestException where one is not trained, is damaged, or has changed and must not
   *     be copied
   */
  void asFound(boolean refresh) {
    for (CoderUnit unit : CoderUnit.of(config)) {
      if (!unit.exists(run)) {
        throw new PalimpsestException(
            run.root()
                + ": the coder of "
                + unit.name()
                + " is not trained yet; run 'train' or 'run' first");
      }
      // Archived and moved, a run has its own copy.
      Optional<Path> given = unit.given().path().map(Path::of).filter(Files::exists);
      if (given.isPresent() && givenHasChanged(unit)) {
        String what = "the coder " + given.get() + " of " + unit.name() + " has changed";
        if (!refresh) {
          throw new PalimpsestException(
              run.root() + ": " + what + " since it was copied; leave out --no-refresh");
        }
        log.says(what + ": it is copied anew");
        copy(given.get(), unit);
      }
      requireIntact(unit);
    }
  }

  private void requireIntact(CoderUnit unit) {
    try {
      SparseCoder.requireIntact(run.coder(unit.name()));
    } catch (PalimpsestException damaged) {
      throw new PalimpsestException(
          damaged.getMessage() + "; otherwise 'run --force' or 'train --overwrite' makes it anew",
          damaged);
    }
  }

  /** Whether a coder given by path is another one than the copy in the run directory. */
  boolean givenHasChanged(CoderUnit unit) {
    Optional<String> path = unit.given().path();
    return path.isPresent()
        && unit.exists(run)
        && !digests
            .of(files(SparseCoder.find(Path.of(path.get()))))
            .equals(digests.of(unit.files(run)));
  }

  private Stage stage(RunInputs inputs) {
    Map<String, String> read = new TreeMap<>();
    read.put(MODEL, inputs.modelDigest());
    read.put(TEXT, inputs.textDigest());
    ObjectNode coders = Json.MAPPER.createObjectNode();
    for (ExperimentConfig.Coder coder : config.coders()) {
      ObjectNode one = Json.MAPPER.valueToTree(coder);
      one.remove("path");
      coders.set(coder.hookpoint(), one);
      coder
          .path()
          .ifPresent(
              path ->
                  read.put(
                      given(coder.hookpoint()),
                      digests.of(files(SparseCoder.find(Path.of(path))))));
    }
    ObjectNode train = Json.MAPPER.valueToTree(config.train());
    train.remove("checkpoint_every");
    train.remove("activations");
    config
        .train()
        .activations()
        .ifPresent(
            folder -> read.put("the cached activations", ActivationCache.digest(Path.of(folder))));
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("seed", config.seed());
    settings.put("data", RunInputs.reading(config));
    settings.put("coders", coders);
    settings.put("train", train);
    List<Path> outputs = new ArrayList<>();
    CoderUnit.of(config).forEach(unit -> outputs.addAll(unit.files(run)));
    return new Stage(StageName.TRAIN.label(), settings, read, outputs);
  }

  /** What the stage's record calls a coder that was given by its path. */
  static String given(String hookpoint) {
    return "the coder given for " + hookpoint;
  }

  private static List<Path> files(Path coder) {
    return List.of(coder.resolve("cfg.json"), coder.resolve("sae.safetensors"));
  }

  private Object trainAndCopy(boolean again, Runnable accepted) {
    List<TrainResult.PerCoder> trained = new ArrayList<>();
    if (!specs(config).isEmpty()) {
      trained.addAll(
          train(
                  new Training.Start(
                      again, "choose another --out, or start anew with --force", accepted))
              .perCoder());
    }
    accepted.run();
    List<String> given = new ArrayList<>();
    for (CoderUnit unit : CoderUnit.of(config)) {
      if (unit.given().path().isPresent()) {
        copy(Path.of(unit.given().path().get()), unit);
        given.add(unit.name());
      }
    }
    // Not the speed: the same run leaves the same bytes.
    return Map.of("trained", trained, "given", given);
  }

  /**
   * Trains the coders that have no path, or goes on.
   *
   * @param start what becomes of an earlier run of training
   */
  TrainResult train(Training.Start start) {
    TrainConfig training = trainConfig(config);
    ModelDigest digest = ModelDigest.of(ModelSource.resolve(config.model()), digests);
    TrainResult result =
        Training.run(
            training,
            digest,
            bench.model(),
            bench.corpus(),
            config.train().activations().map(folder -> ActivationCache.open(Path.of(folder), log)),
            run.root(),
            start,
            log);
    result.warnings().forEach(log::says);
    return result;
  }

  /**
   * Makes sure that the settings of training can be meant.
   *
   * @throws UsageException naming the one that cannot
   */
  static void check(ExperimentConfig config) {
    if (!specs(config).isEmpty()) {
      trainConfig(config);
      int width = ModelConfig.read(ModelSource.resolve(config.model())).width();
      specs(config).forEach(spec -> spec.resolve(width));
      config.train().activations().ifPresent(folder -> ActivationCache.digest(Path.of(folder)));
    }
  }

  private static List<CoderSpec> specs(ExperimentConfig config) {
    List<CoderSpec> specs = new ArrayList<>();
    for (ExperimentConfig.Coder coder : config.coders()) {
      if (coder.path().isEmpty()) {
        specs.add(
            new CoderSpec(
                coder.hookpoint(),
                coder.transcode(),
                coder.skipConnection(),
                activation(coder.activation()),
                OptionalInt.of(coder.numLatents()),
                coder.expansionFactor(),
                coder.k()));
      }
    }
    return specs;
  }

  private static Activation activation(String name) {
    return Arrays.stream(Activation.values())
        .filter(known -> known.name().equalsIgnoreCase(name))
        .findFirst()
        .orElseThrow(
            () ->
                new UsageException("coders: activation is topk or groupmax, found '" + name + "'"));
  }

  /**
   * How the coders are trained.
   *
   * @throws UsageException naming the setting that cannot be meant
   */
  private static TrainConfig trainConfig(ExperimentConfig config) {
    ExperimentConfig.Train train = config.train();
    return new TrainConfig(
        specs(config),
        train.seeds().isEmpty() ? List.of(config.seed()) : train.seeds(),
        train.tokens(),
        train.batchTokens(),
        train.contextLength(),
        optimizer(train),
        config.data().excludeTokens(),
        train.checkpointEvery(),
        train.evalEvery(),
        train.evalTokens());
  }

  private static OptimizerConfig optimizer(ExperimentConfig.Train train) {
    OptimizerConfig optimizer = OptimizerConfig.of(Optimizer.of(train.optimizer()));
    if (train.freezeEncoder()) {
      optimizer = optimizer.withFrozenEncoder();
    }
    if (!train.lr().equals(AUTO)) {
      optimizer = optimizer.withLearningRate(rate(train.lr()));
    }
    if (!train.warmupSteps().equals(AUTO)) {
      optimizer =
          optimizer.withWarmupSteps(
              WholeNumbers.parse(train.warmupSteps())
                  .orElseThrow(
                      () ->
                          new UsageException(
                              "the warm-up steps (train.warmup_steps, --warmup-steps) are auto or "
                                  + WholeNumbers.EXPECTED
                                  + ", found '"
                                  + train.warmupSteps()
                                  + "'")));
    }
    return optimizer;
  }

  private static double rate(String text) {
    double rate;
    try {
      rate = Double.parseDouble(text);
    } catch (NumberFormatException failure) {
      rate = Double.NaN;
    }
    // Nothing is learned at 0, and the kernels compute in 32 bits.
    if (!(rate > 0 && rate <= Float.MAX_VALUE)) {
      throw new UsageException(
          "the learning rate (train.lr, --lr) is auto or a number above 0 and below 3e38, found '"
              + Quoted.of(text)
              + "'");
    }
    return rate;
  }

  private void copy(Path given, CoderUnit unit) {
    Path source = SparseCoder.find(given);
    Path target = run.coder(unit.name());
    try (SparseCoder checked = SparseCoder.load(source)) {
      if (checked.config().width() != bench.model().config().width()) {
        throw new PalimpsestException(
            source
                + ": the coder's width is "
                + checked.config().width()
                + ", the model's "
                + bench.model().config().width());
      }
    }
    SparseCoder.copy(source, target);
  }
}
