package dev.palimpsest.train;

import dev.palimpsest.base.UsageException;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * How a coder's parameters are updated.
 *
 * @param optimizer the update rule
 * @param learningRate the (peak) rate; empty: {@link LearningRate#automatic}
 * @param warmupSteps Adam's warm-up; empty: {@link LearningRate.WarmupDecay#defaultWarmup}; signum
 *     has none
 * @param momentum signum's interpolation b between z (0) and the average x (1)
 * @param deadAfterTokens a latent that has not fired for so many tokens counts as dead
 * @param accumulationSteps batches whose gradients are averaged into one update
 * @param fused backward and update in one pass without gradients in memory; only without
 *     accumulation
 * @param freezeEncoder whether the encoder stays as it was at the start, for a control; Adam only
 */
public record OptimizerConfig(
    Optimizer optimizer,
    OptionalDouble learningRate,
    OptionalLong warmupSteps,
    double momentum,
    long deadAfterTokens,
    int accumulationSteps,
    boolean fused,
    boolean freezeEncoder) {

  /** sparsify's momentum for signum. */
  public static final double DEFAULT_MOMENTUM = 0.95;

  /** Tokens without a firing after which sparsify calls a latent dead. */
  public static final long DEFAULT_DEAD_AFTER_TOKENS = 10_000_000;

  /**
   * @throws UsageException naming the option that is out of range
   */
  public OptimizerConfig {
    learningRate.ifPresent(
        rate ->
            require(
                rate >= 0 && Double.isFinite(rate), "learning rate", "a finite number >= 0", rate));
    warmupSteps.ifPresent(steps -> require(steps >= 0, "warm-up steps", ">= 0", steps));
    require(momentum > 0 && momentum < 1, "momentum", "between 0 and 1", momentum);
    require(deadAfterTokens >= 1, "tokens until a latent is dead", ">= 1", deadAfterTokens);
    require(accumulationSteps >= 1, "accumulation steps", ">= 1", accumulationSteps);
    if (freezeEncoder && optimizer != Optimizer.ADAM) {
      throw new UsageException(
          "a frozen encoder (train.freeze_encoder) needs the optimizer adam: signum's averages"
              + " move");
    }
    if (fused && accumulationSteps > 1) {
      throw new UsageException(
          "the fused update cannot accumulate " + accumulationSteps + " batches");
    }
  }

  /** Everything by default for that optimiser. */
  public static OptimizerConfig of(Optimizer optimizer) {
    return new OptimizerConfig(
        optimizer,
        OptionalDouble.empty(),
        OptionalLong.empty(),
        DEFAULT_MOMENTUM,
        DEFAULT_DEAD_AFTER_TOKENS,
        1,
        true,
        false);
  }

  /** The same with a fixed (peak) learning rate. */
  public OptimizerConfig withLearningRate(double rate) {
    return new OptimizerConfig(
        optimizer,
        OptionalDouble.of(rate),
        warmupSteps,
        momentum,
        deadAfterTokens,
        accumulationSteps,
        fused,
        freezeEncoder);
  }

  /** The same with a fixed warm-up. */
  public OptimizerConfig withWarmupSteps(long steps) {
    return new OptimizerConfig(
        optimizer,
        learningRate,
        OptionalLong.of(steps),
        momentum,
        deadAfterTokens,
        accumulationSteps,
        fused,
        freezeEncoder);
  }

  /** The same with another threshold for dead latents. */
  public OptimizerConfig withDeadAfterTokens(long tokens) {
    return new OptimizerConfig(
        optimizer,
        learningRate,
        warmupSteps,
        momentum,
        tokens,
        accumulationSteps,
        fused,
        freezeEncoder);
  }

  /**
   * The same with another number of batches per update; more than one goes without the fused
   * update.
   */
  public OptimizerConfig withAccumulationSteps(int steps) {
    return new OptimizerConfig(
        optimizer,
        learningRate,
        warmupSteps,
        momentum,
        deadAfterTokens,
        steps,
        fused && steps == 1,
        freezeEncoder);
  }

  /** The same with gradients in memory, for what must see them whole before the update. */
  public OptimizerConfig unfused() {
    return new OptimizerConfig(
        optimizer,
        learningRate,
        warmupSteps,
        momentum,
        deadAfterTokens,
        accumulationSteps,
        false,
        freezeEncoder);
  }

  /** The same with an encoder that stays as it was at the start: a control. */
  public OptimizerConfig withFrozenEncoder() {
    return new OptimizerConfig(
        optimizer,
        learningRate,
        warmupSteps,
        momentum,
        deadAfterTokens,
        accumulationSteps,
        fused,
        true);
  }

  private static void require(boolean holds, String what, String expected, Object found) {
    if (!holds) {
      throw new UsageException(what + " must be " + expected + ", found " + found);
    }
  }
}
