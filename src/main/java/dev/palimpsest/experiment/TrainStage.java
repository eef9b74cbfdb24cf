package dev.palimpsest.experiment;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.Activation;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.run.RunLog;
import dev.palimpsest.run.StageLedger;
import dev.palimpsest.text.CorpusOptions;
import dev.palimpsest.train.CoderSpec;
import dev.palimpsest.train.Optimizer;
import dev.palimpsest.train.OptimizerConfig;
import dev.palimpsest.train.TrainConfig;
import dev.palimpsest.train.TrainResult;
import dev.palimpsest.train.Training;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;

/** Trains the coders of an experiment, or copies trained ones into the run directory. */
final class TrainStage {
  private static final String AUTO = "auto";

  private final ExperimentConfig config;
  private final RunDirectory run;
  private final RunLog log;
  private final RunContext bench;

  TrainStage(ExperimentConfig config, RunDirectory run, RunLog log, RunContext bench) {
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
    List<CoderSpec> specs = new ArrayList<>();
    for (ExperimentConfig.Coder coder : config.coders()) {
      if (coder.path().isPresent()) {
        copy(Path.of(coder.path().get()), coder);
      } else {
        specs.add(
            new CoderSpec(
                coder.hookpoint(),
                coder.transcode(),
                coder.skipConnection(),
                Activation.valueOf(coder.activation().toUpperCase(Locale.ROOT)),
                OptionalInt.of(coder.numLatents()),
                0,
                coder.k()));
      }
    }
    if (specs.isEmpty()) {
      return Map.of("coders", "given");
    }
    TrainConfig train = trainConfig(specs);
    TrainResult result =
        Training.run(train, bench.model(), bench.corpus(), run.root(), false, () -> {}, log);
    result.warnings().forEach(log::says);
    return result;
  }

  private TrainConfig trainConfig(List<CoderSpec> specs) {
    ExperimentConfig.Train train = config.train();
    return new TrainConfig(
        config.model(),
        config.data().files(),
        new CorpusOptions(config.data().textKey(), java.util.Optional.empty(), OptionalInt.empty()),
        specs,
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
      optimizer = optimizer.withLearningRate(number("train.lr", train.lr()));
    }
    if (!train.warmupSteps().equals(AUTO)) {
      optimizer =
          optimizer.withWarmupSteps((long) number("train.warmup_steps", train.warmupSteps()));
    }
    return optimizer;
  }

  private static double number(String setting, String text) {
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException failure) {
      throw new UsageException(
          setting + ": expected a number or " + AUTO + ", found '" + text + "'");
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
      Files.createDirectories(target);
      for (String name : List.of("cfg.json", "sae.safetensors")) {
        AtomicFiles.copy(source.resolve(name), target.resolve(name));
      }
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot copy " + source + " to " + target + ": " + AtomicFiles.describe(failure),
          failure);
    }
  }
}
