package dev.palimpsest.train;

/** The learning rate of every step of a run. */
public sealed interface LearningRate {

  /** The rate of step {@code t} = 0, 1, ... */
  double at(long t);

  /** The same rate at every step, as schedule-free optimisers want it. */
  record Constant(double rate) implements LearningRate {
    @Override
    public double at(long t) {
      return rate;
    }
  }

  /**
   * Linear warm-up from 0, then linear decay to 0: {@code peak min(t / w, (T - t) / (T - w))}.
   *
   * @param peak the rate at t = w
   * @param warmup w, steps; 0 starts at the peak
   * @param total T, steps; the rate is 0 from there on
   */
  record WarmupDecay(double peak, long warmup, long total) implements LearningRate {
    /** Longest warm-up chosen by {@link #defaultWarmup}, in steps. */
    static final long LONGEST_DEFAULT_WARMUP = 1000;

    /** A tenth of the run, at most 1000 steps. */
    public static long defaultWarmup(long total) {
      return Math.min(LONGEST_DEFAULT_WARMUP, total / 10);
    }

    @Override
    public double at(long t) {
      if (t < warmup) {
        return peak * t / warmup;
      }
      return peak * Math.max(0, total - t) / Math.max(1, total - warmup);
    }
  }

  /**
   * sparsify's choice for a coder of M latents: Adam {@code 2e-4 / sqrt(M / 2^14)}, signum {@code
   * 5e-3 / sqrt(M / 2^14)}.
   */
  static double automatic(Optimizer optimizer, long latents) {
    double base =
        switch (optimizer) {
          case ADAM -> 2e-4;
          case SIGNUM -> 5e-3;
        };
    return base / Math.sqrt(latents / (double) (1 << 14));
  }

  /**
   * The schedule {@code config} asks for in a run of {@code totalSteps} steps of a coder of {@code
   * latents} latents.
   */
  static LearningRate of(OptimizerConfig config, long latents, long totalSteps) {
    double peak = config.learningRate().orElse(automatic(config.optimizer(), latents));
    return switch (config.optimizer()) {
      case ADAM ->
          new WarmupDecay(
              peak, config.warmupSteps().orElse(WarmupDecay.defaultWarmup(totalSteps)), totalSteps);
      case SIGNUM -> new Constant(peak);
    };
  }
}
