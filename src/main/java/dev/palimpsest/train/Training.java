package dev.palimpsest.train;

import dev.palimpsest.activations.ActivationCache;
import dev.palimpsest.activations.CachedRows;
import dev.palimpsest.activations.Hook;
import dev.palimpsest.activations.HookedActivations;
import dev.palimpsest.activations.StepRows;
import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Seeds;
import dev.palimpsest.base.StateFiles;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.evaluate.HeldOut;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelDigest;
import dev.palimpsest.run.RunLock;
import dev.palimpsest.run.RunLog;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.text.Corpus;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.Split;
import dev.palimpsest.text.TokenWindows;
import dev.palimpsest.text.WindowOrder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;

/**
 * A training run in a run directory: {@code coder/<hookpoint>} (with {@code /seedN} for several
 * seeds), {@code metrics.jsonl}, {@code checkpoints/} and {@code training.json}. The same call
 * continues a run that was killed, and gives the result of a finished one again without training.
 */
public final class Training {
  private static final String RESULT = "training.json";
  private static final String METRICS = "metrics.jsonl";
  private static final String CODERS = "coder";
  private static final String CHECKPOINTS = "checkpoints";
  private static final String IDENTITY = "run.json";

  private final TrainConfig config;
  private final Optional<ActivationCache> cache;
  private final Path out;

  private Training(TrainConfig config, Optional<ActivationCache> cache, Path out) {
    this.config = config;
    this.cache = cache;
    this.out = out;
  }

  /**
   * How a run deals with one that is in its directory already.
   *
   * @param overwrite whether that is thrown away first
   * @param remedy what a person may do where it cannot be continued, e.g. "choose another --out"
   * @param accepted called when the directory has become this run's, before the first step; not for
   *     a finished run
   */
  public record Start(boolean overwrite, String remedy, Runnable accepted) {}

  /**
   * Trains all coders of a configuration, or continues.
   *
   * @param digest of the model's files
   * @param model the language model
   * @param corpus the text
   * @param cache in place of the model where steps are made; evaluations run the model
   * @param out the run directory, made if missing
   * @param start what becomes of a run that is in it
   * @param log hears how it gets on
   * @throws UsageException where the directory holds a run with another configuration, model or
   *     text, a hookpoint does not exist, or the cache is of something else
   * @throws PalimpsestException where the text is too short, the directory cannot be written or is
   *     in use, or training diverges
   */
  public static TrainResult run(
      TrainConfig config,
      ModelDigest digest,
      LanguageModel model,
      Corpus corpus,
      Optional<ActivationCache> cache,
      Path out,
      Start start,
      RunLog log) {
    return new Training(config, cache, out).run(digest, model, corpus, start, log);
  }

  private TrainResult run(
      ModelDigest digest, LanguageModel model, Corpus corpus, Start start, RunLog log) {
    corpus.requireVocabulary(model.config().vocabularySize());
    model.requireLength(config.contextLength());
    List<Hook> hooks = new ArrayList<>();
    List<CoderConfig> shapes = new ArrayList<>();
    for (CoderSpec spec : config.coders()) {
      hooks.add(new Hook(spec.hookpoint(), spec.transcode()));
      model.layerOf(spec.hookpoint());
      shapes.add(spec.resolve(model.config().width()));
    }
    TokenWindows windows = corpus.windows(Split.TRAIN, config.contextLength());
    TokenWindows heldOut = corpus.windows(Split.CALIBRATE, config.contextLength());
    ExcludedTokens excluded = ExcludedTokens.parse(config.excludedTokens(), corpus);

    cache.ifPresent(
        known -> known.require(digest, corpus, config.contextLength(), excluded, hooks));

    try (RunLock lock = RunLock.of(out)) {
      RunIdentity identity =
          new RunIdentity(
              config,
              digest,
              corpus.fingerprint(),
              model.precision().label(),
              cache.map(ActivationCache::digest));
      Path identityFile = out.resolve(CHECKPOINTS).resolve(IDENTITY);
      if (start.overwrite()) {
        clear(identityFile);
      }
      identity.requireSame(identityFile, out, start.remedy());
      Optional<TrainResult> finished = finishedBefore(start.remedy());
      if (finished.isPresent()) {
        damagedMetrics(out).ifPresent(log::says);
        return finished.get();
      }
      identity.write(identityFile);
      start.accepted().run();
      Checkpoints checkpoints = new Checkpoints(out.resolve(CHECKPOINTS));
      checkpoints.clean();
      List<TrainedCoder> coders = new ArrayList<>();
      try (HookedActivations activations =
              new HookedActivations(model, hooks, excluded, config.batchTokens());
          StepRows rows = rows(windows, hooks, excluded, activations, model.device())) {
        boolean several = config.seeds().size() > 1;
        for (int hook = 0; hook < hooks.size(); hook++) {
          for (long seed : config.seeds()) {
            coders.add(
                new TrainedCoder(
                    config.coders().get(hook),
                    shapes.get(hook),
                    seed,
                    several,
                    hook,
                    config,
                    model.device()));
          }
        }
        TrainingLoop loop =
            new TrainingLoop(
                config, model, rows, activations, coders, heldOut, excluded, checkpoints);
        long from = loop.run(out.resolve(METRICS), log);
        return finish(loop, coders, from, model);
      } finally {
        coders.forEach(TrainedCoder::close);
      }
    }
  }

  private StepRows rows(
      TokenWindows windows,
      List<Hook> hooks,
      ExcludedTokens excluded,
      HookedActivations activations,
      Device device) {
    long seed = config.seeds().get(0);
    if (cache.isPresent()) {
      return new CachedRows(
          cache.get(), hooks, windows, seed, config.batchTokens(), excluded, device);
    }
    WindowOrder order = new WindowOrder(windows.size(), Seeds.mix(seed));
    return new LiveRows(
        new BatchReader(windows, order, config.batchTokens()), activations, config.batchTokens());
  }

  /** Writes the coders, then the result, which marks the run as finished. */
  private TrainResult finish(
      TrainingLoop loop, List<TrainedCoder> coders, long from, LanguageModel model) {
    Device device = model.device();
    List<String> warnings = new ArrayList<>();
    for (int i = 0; i < coders.size(); i++) {
      OptionalDouble fvu = loop.heldOut().get(i).fvu();
      StepFaults.requireUseful(coders.get(i).name(), fvu);
      StepFaults.warning(coders.get(i).name(), fvu).ifPresent(warnings::add);
    }
    coders.forEach(coder -> coder.save(out.resolve(CODERS)));
    List<TrainResult.PerCoder> each = new ArrayList<>();
    List<String> folders = new ArrayList<>();
    for (int i = 0; i < coders.size(); i++) {
      TrainedCoder coder = coders.get(i);
      HeldOut figures = loop.heldOut().get(i);
      folders.add(out.resolve(CODERS).resolve(coder.name()).toString());
      each.add(
          new TrainResult.PerCoder(
              coder.name(),
              coder.hookpoint(),
              coder.seed(),
              figures.fvu(),
              figures.ceLossScore(),
              figures.l0(),
              figures.fracAlive(),
              coder.trainer().deadFraction()));
    }
    long stepsHere = config.steps() - from;
    double speed = stepsHere == 0 ? 0 : stepsHere * config.batchTokens() / loop.secondsInSteps();
    TrainResult.PerCoder first = each.get(0);
    TrainResult result =
        new TrainResult(
            first.fvu(),
            first.ceLossScore(),
            config.steps() * config.batchTokens(),
            config.steps(),
            speed,
            first.deadFraction(),
            from,
            model.precision().label(),
            device.isHost() ? OptionalLong.empty() : OptionalLong.of(device.usedBytes()),
            folders,
            each,
            loop.metrics(),
            warnings);
    StateFiles.writeSealed(out.resolve(RESULT), result);
    return result;
  }

  /**
   * The result of a finished run of this length whose coders are all there.
   *
   * @throws PalimpsestException where one of them is damaged
   */
  private Optional<TrainResult> finishedBefore(String remedy) {
    // Damaged, it is made again: the last checkpoint has all that is in it.
    Optional<TrainResult> result = record(out).filter(found -> found.steps() == config.steps());
    if (result.isEmpty()) {
      return Optional.empty();
    }
    List<String> folders = new ArrayList<>();
    for (TrainResult.PerCoder coder : result.get().perCoder()) {
      Path folder = out.resolve(CODERS).resolve(coder.coder());
      if (!Files.exists(folder.resolve("cfg.json"))
          || !Files.exists(folder.resolve("sae.safetensors"))) {
        return Optional.empty();
      }
      try {
        SparseCoder.requireIntact(folder);
      } catch (PalimpsestException damaged) {
        throw new PalimpsestException(damaged.getMessage() + "; otherwise " + remedy, damaged);
      }
      folders.add(folder.toString());
    }
    return result.map(found -> found.foundFinished(folders));
  }

  private static Optional<TrainResult> record(Path out) {
    Path file = out.resolve(RESULT);
    try {
      return Files.exists(file)
          ? Optional.of(StateFiles.readSealed(file, TrainResult.class))
          : Optional.empty();
    } catch (PalimpsestException damaged) {
      return Optional.empty();
    }
  }

  /**
   * Whether a finished run's {@code training.json} is damaged or gone, and can be made again from
   * its last checkpoint.
   *
   * @param config of the whole run
   */
  public static boolean lacksRecord(Path out, TrainConfig config) {
    return record(out).isEmpty() && new Checkpoints(out.resolve(CHECKPOINTS)).has(config.steps());
  }

  /**
   * Why {@code metrics.jsonl} is not what a finished training left, as a sentence; empty where it
   * is, and for a training that is not finished.
   */
  public static Optional<String> damagedMetrics(Path out) {
    if (!Files.exists(out.resolve(RESULT))) {
      return Optional.empty();
    }
    Optional<TrainResult> record = record(out);
    if (record.isEmpty()) {
      return Optional.of(
          out.resolve(RESULT)
              + " is damaged, so that nobody knows whether "
              + METRICS
              + " is whole; 'run' and 'train' make it anew while there is the last checkpoint");
    }
    MetricsExtent metrics = record.get().metrics();
    long lacking = record.get().steps() - metrics.lines();
    return metrics
        .damage(out.resolve(METRICS))
        .map(what -> what + " since training ended; the coders are as they were")
        .or(
            () ->
                lacking == 0
                    ? Optional.empty()
                    : Optional.of(
                        out.resolve(METRICS)
                            + " lacks lines of "
                            + lacking
                            + " steps: it was damaged before training went on"));
  }

  /** Removes what an earlier run of training left in the folder, and nothing else. */
  private void clear(Path identityFile) {
    try {
      Set<String> hookpoints = new TreeSet<>();
      config.coders().forEach(spec -> hookpoints.add(spec.hookpoint()));
      if (Files.exists(identityFile)) {
        hookpoints.addAll(RunIdentity.hookpoints(identityFile));
      }
      Files.deleteIfExists(out.resolve(RESULT));
      for (String hookpoint : hookpoints) {
        Checkpoints.removeTree(out.resolve(CODERS).resolve(hookpoint));
      }
      Files.deleteIfExists(out.resolve(METRICS));
      Files.deleteIfExists(identityFile);
      new Checkpoints(out.resolve(CHECKPOINTS)).removeAll();
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot clear " + out + ": " + AtomicFiles.describe(failure), failure);
    }
  }

  /**
   * Sets how many threads the kernels and the language model's libraries use, for the whole
   * process.
   *
   * @param threads 0: all processors
   */
  public static void useThreads(int threads) {
    ProcessThreads.use(threads);
  }
}
