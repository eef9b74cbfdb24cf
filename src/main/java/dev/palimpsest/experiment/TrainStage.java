package dev.palimpsest.experiment;

import dev.palimpsest.base.FileDigests;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.base.WholeNumbers;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.Activation;
import dev.palimpsest.model.ModelDigest;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.run.RunLog;
import dev.palimpsest.run.StageLedger;
import dev.palimpsest.train.CoderSpec;
import dev.palimpsest.train.Optimizer;
import dev.palimpsest.train.OptimizerConfig;
import dev.palimpsest.train.TrainConfig;
import dev.palimpsest.train.TrainResult;
import dev.palimpsest.train.Training;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/** Trains the coders of an experiment, or copies trained ones into the run directory. */
final class TrainStage {
  private static final String AUTO = ExperimentConfig.AUTO;

  private final ExperimentConfig config;
  private final RunDirectory run;
  private final RunLog log;
  private final RunContext bench;
  private final boolean force;

  TrainStage(ExperimentConfig config, RunDirectory run, RunLog log, RunContext bench) {
    this(config, run, log, bench, false);
  }

  /**
   * @param force whether finished training is done again from the start
   */
  TrainStage(
      ExperimentConfig config, RunDirectory run, RunLog log, RunContext bench, boolean force) {
    this.force = force;
    this.config = config;
    this.run = run;
    this.log = log;
    this.bench = bench;
  }

  StageLedger.Entry ensure(StageLedger ledger) {
    List<Path> outputs = new ArrayList<>();
    for (ExperimentConfig.Coder coder : config.coders()) {
      outputs.add(run.coder(coder.hookpoint()).resolve("sae.safetensors"));
    }
    List<Object> settings =
        List.of(config.model(), config.seed(), config.data(), config.coders(), config.train());
    return ledger.ensure("train", settings, List.of(), outputs, this::trainAndCopy, log);
  }

  /** Stands for coders that some earlier command has left here. */
  StageLedger.Entry asFound() {
    StringBuilder prints = new StringBuilder();
    for (ExperimentConfig.Coder coder : config.coders()) {
      Path file = run.coder(coder.hookpoint()).resolve("sae.safetensors");
      prints.append(StageLedger.ofFile("coder", file).fingerprint());
    }
    return new StageLedger.Entry("train", prints.toString(), 0, "");
  }

  private Object trainAndCopy() {
    for (ExperimentConfig.Coder coder : config.coders()) {
      coder.path().ifPresent(path -> copy(Path.of(path), coder));
    }
    return specs().isEmpty()
        ? Map.of("coders", "given")
        : train(
            new Training.Start(
                force, "choose another --out, or start anew with --force", () -> {}));
  }

  /**
   * Trains the coders that have no path, or goes on.
   *
   * @param start what becomes of an earlier run of training
   */
  TrainResult train(Training.Start start) {
    TrainConfig training = trainConfig();
    ModelDigest digest =
        ModelDigest.of(ModelSource.resolve(config.model()), FileDigests.inMemory());
    TrainResult result =
        Training.run(training, digest, bench.model(), bench.corpus(), run.root(), start, log);
    result.warnings().forEach(log::says);
    return result;
  }

  private List<CoderSpec> specs() {
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
  TrainConfig trainConfig() {
    ExperimentConfig.Train train = config.train();
    return new TrainConfig(
        specs(),
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
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException failure) {
      throw new UsageException(
          "the learning rate (train.lr, --lr) is auto or a number, found '" + text + "'");
    }
  }

  private void copy(Path given, ExperimentConfig.Coder coder) {
    Path source = SparseCoder.find(given);
    Path target = run.coder(coder.hookpoint());
    try (SparseCoder checked = SparseCoder.load(source)) {
      if (checked.config().width() != bench.model().config().width()) {
        throw new PalimpsestException(
            source
                + ": the coder's width is "
                + checked.config().width()
                + ", the model's "
                + bench.model().config().width());
      }
      SparseCoder.copy(source, target);
    }
  }
}
