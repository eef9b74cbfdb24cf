package dev.palimpsest.train;

import dev.palimpsest.activations.HookedActivations;
import dev.palimpsest.activations.Rows;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.tensor.Device;
import java.nio.file.Path;
import java.util.OptionalLong;

/** One of the coders of a run: what it is called, which hook feeds it, and its trainer. */
final class TrainedCoder implements AutoCloseable {
  private static final String STATE_FILE = "trainer.safetensors";

  private final String name;
  private final CoderSpec spec;
  private final OptionalLong seed;
  private final int hook;
  private final SparseCoder coder;
  private final CoderTrainer trainer;

  /**
   * @param seed of its initial weights
   * @param severalSeeds whether the seed is part of its name: {@code <hookpoint>/seedN}
   * @param hook its number in {@link HookedActivations}
   * @param device where it is trained
   */
  TrainedCoder(
      CoderSpec spec,
      CoderConfig shape,
      long seed,
      boolean severalSeeds,
      int hook,
      TrainConfig config,
      Device device) {
    this.spec = spec;
    this.name = name(spec, seed, severalSeeds);
    this.seed = severalSeeds ? OptionalLong.of(seed) : OptionalLong.empty();
    this.hook = hook;
    this.coder = SparseCoder.initialise(shape, seed, device);
    this.trainer = new CoderTrainer(coder, config.optimizer(), config.steps());
    trainer.reserve(config.batchTokens());
  }

  static String name(CoderSpec spec, long seed, boolean severalSeeds) {
    return severalSeeds ? spec.hookpoint() + "/seed" + seed : spec.hookpoint();
  }

  /**
   * The hookpoint, with {@code /seedN} where there are several; also its folder below {@code
   * coder/}.
   */
  String name() {
    return name;
  }

  String hookpoint() {
    return spec.hookpoint();
  }

  /** Its number in {@link HookedActivations}. */
  int hook() {
    return hook;
  }

  OptionalLong seed() {
    return seed;
  }

  CoderTrainer trainer() {
    return trainer;
  }

  /**
   * Trains on the batch that {@code activations} holds, if it has rows, without waiting for it; the
   * first that has also sets the biases. The trainer's {@link CoderTrainer#settle} has the figures.
   */
  void queue(Rows activations) {
    if (activations.rows() == 0) {
      trainer.queueSkip();
      return;
    }
    if (trainer.untouched()) {
      trainer.initialiseFromFirstBatch(
          activations.x(hook), activations.y(hook), activations.rows());
    }
    trainer.queue(activations.x(hook), activations.y(hook), activations.rows());
  }

  void writeState(Path checkpoint) {
    trainer.writeState(checkpoint.resolve(name).resolve(STATE_FILE));
  }

  /**
   * Goes back to a checkpoint.
   *
   * @param step of the checkpoint
   * @throws PalimpsestException where this coder's file is damaged, or of another step
   */
  void readState(Path checkpoint, long step) {
    Path file = checkpoint.resolve(name).resolve(STATE_FILE);
    trainer.readState(file);
    if (trainer.stepsDone() != step) {
      throw new PalimpsestException(
          file + ": is of step " + trainer.stepsDone() + ", the checkpoint of step " + step);
    }
  }

  /** Writes {@code cfg.json} and {@code sae.safetensors}. */
  void save(Path coders) {
    try (SparseCoder finished = trainer.evaluationCoder()) {
      finished.save(coders.resolve(name));
    }
  }

  @Override
  public void close() {
    trainer.close();
    coder.close();
  }
}
