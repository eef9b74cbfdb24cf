package dev.palimpsest.train;

import dev.palimpsest.base.Seeds;
import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.ParameterSet;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.Activation;
import dev.palimpsest.kernels.NativeArrays;
import java.util.SplittableRandom;
import org.bytedeco.javacpp.FloatPointer;

/**
 * A coder of random shape and batches with structure: few directions of Zipf-like frequency, plus
 * noise.
 */
final class RandomTask implements AutoCloseable {
  final CoderConfig config;
  final OptimizerConfig optimizer;
  final int rows;
  final int steps;
  private final long seed;
  private final NativeArrays memory = new NativeArrays();
  private final FloatPointer x;
  private final FloatPointer y;

  RandomTask(long seed) {
    this.seed = seed;
    SplittableRandom random = Seeds.stream(seed, "random.task");
    int width = 1 + random.nextInt(40);
    int k = 1 + random.nextInt(6);
    int latents = k * (1 + random.nextInt(40));
    boolean transcode = random.nextBoolean();
    CoderConfig plain =
        transcode
            ? CoderConfig.transcoder(width, latents, k, random.nextBoolean())
            : CoderConfig.autoencoder(width, latents, k);
    config = random.nextInt(3) == 0 ? plain.withActivation(Activation.GROUPMAX) : plain;
    optimizer =
        OptimizerConfig.of(random.nextBoolean() ? Optimizer.ADAM : Optimizer.SIGNUM)
            .withLearningRate(1e-3)
            .withWarmupSteps(2)
            .withDeadAfterTokens(100);
    rows = 1 + random.nextInt(60);
    steps = 6 + random.nextInt(8);
    x = memory.floats((long) rows * width);
    y = memory.floats((long) rows * width);
  }

  /** Coder input of step t. */
  FloatPointer x(int t) {
    fill(t);
    return x;
  }

  /** Target of step t. */
  FloatPointer y(int t) {
    fill(t);
    return config.transcode() ? y : x;
  }

  private void fill(int t) {
    int width = config.width();
    SplittableRandom directions = Seeds.stream(seed, "directions");
    int count = 12;
    float[] basis = new float[count * width];
    for (int i = 0; i < basis.length; i++) {
      basis[i] = (float) (directions.nextDouble() - 0.5);
    }
    SplittableRandom random = Seeds.stream(seed, "batch", t);
    float[] inputs = new float[rows * width];
    float[] targets = new float[rows * width];
    for (int row = 0; row < rows; row++) {
      int chosen = (int) (count * Math.pow(random.nextDouble(), 2));
      double strength = 1 + 3 * random.nextDouble();
      for (int i = 0; i < width; i++) {
        double noise = 0.1 * (random.nextDouble() - 0.5);
        inputs[row * width + i] = (float) (strength * basis[chosen * width + i] + noise + 0.3);
        targets[row * width + i] =
            (float) (strength * basis[(count - 1 - chosen) * width + i] - noise - 0.2);
      }
    }
    x.put(inputs);
    y.put(targets);
  }

  SparseCoder coder() {
    return SparseCoder.initialise(config, seed);
  }

  /**
   * Trains to the end (with the first batch's initialisation) and returns the evaluation coder's
   * weights in one array.
   */
  float[] train(OptimizerConfig with) {
    try (SparseCoder coder = coder();
        CoderTrainer trainer = new CoderTrainer(coder, with, steps)) {
      trainer.initialiseFromFirstBatch(x(0), y(0), rows);
      for (int t = 0; t < steps; t++) {
        trainer.step(x(t), y(t), rows);
      }
      return weights(trainer);
    }
  }

  static float[] weights(CoderTrainer trainer) {
    try (SparseCoder evaluated = trainer.evaluationCoder()) {
      return weights(evaluated.parameters());
    }
  }

  static float[] weights(ParameterSet parameters) {
    int size = 0;
    for (ParameterSet.Part part : parameters.parts()) {
      size += Math.toIntExact(part.elements());
    }
    float[] all = new float[size];
    int at = 0;
    for (ParameterSet.Part part : parameters.parts()) {
      int count = Math.toIntExact(part.elements());
      part.values().get(all, at, count);
      at += count;
    }
    return all;
  }

  @Override
  public String toString() {
    return "seed " + seed + ": " + config + ", " + optimizer + ", " + rows + " x " + steps;
  }

  @Override
  public void close() {
    memory.close();
  }
}
