package dev.palimpsest.train;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.Json;
import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.ParameterSet;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.NativeArrays;
import dev.palimpsest.safetensors.SafeTensors;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.bytedeco.javacpp.FloatPointer;

/**
 * A training run recorded with sparsify 1.3: every batch, the losses, the first gradients, the
 * final weights.
 */
final class GoldenRun implements AutoCloseable {
  static final List<String> CASES =
      List.of(
          "sae_adam",
          "sae_groupmax_adam",
          "sae_signum",
          "skip_transcoder_adam",
          "skip_transcoder_signum",
          "transcoder_signum");

  final Path coderFolder;
  final CoderConfig config;
  final JsonNode run;
  final SafeTensors trajectory;
  final int steps;
  final int batch;
  final float[] fvu;
  private final NativeArrays memory = new NativeArrays();
  private final FloatPointer inputs;
  private final FloatPointer targets;

  GoldenRun(String name) {
    Path folder = resource("/golden/sparsify/" + name);
    coderFolder = folder.resolve("layers.1.mlp");
    try (SparseCoder trained = SparseCoder.load(coderFolder)) {
      config = trained.config();
    }
    run = Json.read(folder.resolve("run.json"), JsonNode.class);
    trajectory = SafeTensors.open(folder.resolve("trajectory.safetensors"));
    steps = run.get("steps").asInt();
    batch = run.get("batch").asInt();
    fvu = trajectory.floats("fvu");
    inputs = memory.floats((long) steps * batch * config.width());
    targets = memory.floats((long) steps * batch * config.width());
    trajectory.readFloats("x", inputs);
    trajectory.readFloats("y", targets);
  }

  /** The optimiser's settings as recorded. */
  OptimizerConfig optimizer() {
    OptimizerConfig optimizer =
        OptimizerConfig.of(Optimizer.of(run.get("optimizer").asText()))
            .withLearningRate(run.get("lr").asDouble());
    return run.get("warmup_steps").isNull()
        ? optimizer
        : optimizer.withWarmupSteps(run.get("warmup_steps").asLong());
  }

  /** A coder with the recorded initial weights. */
  SparseCoder initialCoder() {
    ParameterSet parameters = new ParameterSet(config);
    parameters.readFrom(trajectory, "init/");
    return SparseCoder.of(config, parameters);
  }

  /** Coder input of step t, [batch, d]. */
  FloatPointer x(int t) {
    return slice(inputs, t);
  }

  /** Target of step t, [batch, d]. */
  FloatPointer y(int t) {
    return slice(targets, t);
  }

  private FloatPointer slice(FloatPointer all, int t) {
    long size = (long) batch * config.width();
    FloatPointer slice = all.getPointer(t * size);
    return slice.capacity(size);
  }

  static Path resource(String name) {
    try {
      return Path.of(Objects.requireNonNull(GoldenRun.class.getResource(name), name).toURI());
    } catch (URISyntaxException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  /** A heap copy. */
  static float[] array(FloatPointer values) {
    float[] copy = new float[Math.toIntExact(values.capacity())];
    values.get(copy);
    return copy;
  }

  /** The largest absolute difference. */
  static double largestError(float[] found, float[] expected) {
    double largest = found.length == expected.length ? 0 : Double.POSITIVE_INFINITY;
    for (int i = 0; i < Math.min(found.length, expected.length); i++) {
      double error = Math.abs((double) found[i] - expected[i]);
      largest = error > largest || Double.isNaN(error) ? error : largest;
    }
    return largest;
  }

  /** The largest absolute value. */
  static double largest(float[] values) {
    return largestError(values, new float[values.length]);
  }

  static float[] row(float[] matrix, int row, int width) {
    return Arrays.copyOfRange(matrix, row * width, (row + 1) * width);
  }

  @Override
  public void close() {
    trajectory.close();
    memory.close();
  }
}
