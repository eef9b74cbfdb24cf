package dev.palimpsest.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.palimpsest.coder.ParameterSet;
import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.kernels.NativeArrays;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Agreement with sparsify 1.3, step by step, on recorded runs. */
class GoldenTrainingTest {
  static final List<String> CASES = GoldenRun.CASES;

  @ParameterizedTest
  @FieldSource("CASES")
  void firstBatchInitialisesTheBiases(String name) {
    try (GoldenRun run = new GoldenRun(name);
        SparseCoder coder = run.initialCoder();
        CoderTrainer trainer = new CoderTrainer(coder, run.optimizer(), run.steps)) {
      coder.decoderBias().put(new float[run.config.width()]);
      coder.encoderBias().put(new float[run.config.numLatents()]);
      trainer.initialiseFromFirstBatch(run.x(0), run.y(0), run.batch);
      assertThat(
              GoldenRun.largestError(
                  GoldenRun.array(coder.decoderBias()), run.trajectory.floats("init/b_dec")))
          .isLessThan(1e-6);
      assertThat(
              GoldenRun.largestError(
                  GoldenRun.array(coder.encoderBias()), run.trajectory.floats("init/encoder.bias")))
          .isLessThan(1e-6);
    }
  }

  @ParameterizedTest
  @FieldSource("CASES")
  void firstForwardAndGradientsAgree(String name) {
    CoderKernels kernels = CoderKernels.cpu();
    try (GoldenRun run = new GoldenRun(name);
        SparseCoder coder = run.initialCoder();
        SparseActivations latents = new SparseActivations(run.batch, run.config.k());
        NativeArrays memory = new NativeArrays();
        ParameterSet gradients = new ParameterSet(run.config)) {
      int width = run.config.width();
      FloatPointer out = memory.floats((long) run.batch * width);
      DoublePointer sums = memory.doubles(2);
      coder.encode(run.x(0), run.batch, latents);
      coder.decode(latents, run.x(0), out);

      float[] values = latents.valuesArray(run.batch);
      int[] indices = latents.indicesArray(run.batch);
      float[] expectedValues = run.trajectory.floats("step0/latent_acts");
      long[] expectedIndices = run.trajectory.longs("step0/latent_indices");
      int k = run.config.k();
      for (int row = 0; row < run.batch; row++) {
        Map<Long, Float> found = new TreeMap<>();
        Map<Long, Float> expected = new TreeMap<>();
        for (int slot = row * k; slot < (row + 1) * k; slot++) {
          found.put((long) indices[slot], values[slot]);
          expected.put(expectedIndices[slot], expectedValues[slot]);
        }
        assertThat(found.keySet()).as("row %d", row).isEqualTo(expected.keySet());
        found.forEach(
            (latent, value) -> assertThat(value).isCloseTo(expected.get(latent), within(1e-5f)));
      }
      assertThat(GoldenRun.largestError(GoldenRun.array(out), run.trajectory.floats("step0/out")))
          .isLessThan(1e-5);

      kernels.fvu(out, run.y(0), run.batch, width, Optional.of(out), sums, coder.workspace());
      kernels.backward(
          coder.handle(),
          run.x(0),
          out,
          run.batch,
          k,
          latents.values(),
          latents.indices(),
          gradients.asArrays(),
          false,
          coder.workspace());
      double largest = 0;
      for (ParameterSet.Part part : gradients.parts()) {
        largest =
            Math.max(largest, GoldenRun.largest(run.trajectory.floats("grad0/" + part.name())));
      }
      for (ParameterSet.Part part : gradients.parts()) {
        float[] expected = run.trajectory.floats("grad0/" + part.name());
        assertThat(GoldenRun.largestError(GoldenRun.array(part.values()), expected))
            .as(part.name())
            .isLessThanOrEqualTo(1e-6 * largest);
      }
    }
  }

  @ParameterizedTest
  @FieldSource("CASES")
  void everyStepAndTheFinalWeightsAgree(String name) {
    try (GoldenRun run = new GoldenRun(name)) {
      trajectoryAgrees(run, run.optimizer());
      trajectoryAgrees(run, run.optimizer().unfused());
    }
  }

  private static void trajectoryAgrees(GoldenRun run, OptimizerConfig optimizer) {
    try (SparseCoder coder = run.initialCoder();
        CoderTrainer trainer = new CoderTrainer(coder, optimizer, run.steps)) {
      for (int t = 0; t < run.steps; t++) {
        StepStats stats = trainer.step(run.x(t), run.y(t), run.batch);
        assertThat(stats.fvu().orElseThrow())
            .as("FVU of step %d", t)
            .isCloseTo(run.fvu[t], within(1e-4 * run.fvu[t]));
      }
      try (SparseCoder evaluated = trainer.evaluationCoder()) {
        for (ParameterSet.Part part : evaluated.parameters().parts()) {
          float[] expected = run.trajectory.floats("final/" + part.name());
          float[] found = GoldenRun.array(part.values());
          if (signsStartFromRounding(run)) {
            assertThat(GoldenRun.largestError(found, expected))
                .as(part.name())
                .isLessThan(4 * run.run.get("lr").asDouble());
            if (!part.name().equals("b_dec")) {
              assertThat(shareBeyond(found, expected, 2e-6)).as(part.name()).isLessThan(0.005);
            }
          } else {
            assertThat(GoldenRun.largestError(found, expected)).as(part.name()).isLessThan(2e-6);
          }
        }
      }
    }
  }

  /**
   * A transcoder starts at y_hat = b_dec = mean(y), where the gradient of b_dec is 0 but for
   * rounding; signum moves by the sign of that rounding, which no two orders of summation share.
   */
  private static boolean signsStartFromRounding(GoldenRun run) {
    return run.config.transcode() && run.optimizer().optimizer() == Optimizer.SIGNUM;
  }

  /** The share of elements that differ by more than {@code tolerance}. */
  private static double shareBeyond(float[] found, float[] expected, double tolerance) {
    int count = 0;
    for (int i = 0; i < expected.length; i++) {
      if (!(Math.abs((double) found[i] - expected[i]) <= tolerance)) {
        count++;
      }
    }
    return count / (double) expected.length;
  }

  @ParameterizedTest
  @FieldSource("CASES")
  void writesTheFilesThatSparsifyWrote(String name, @TempDir Path folder) throws IOException {
    try (GoldenRun run = new GoldenRun(name);
        SparseCoder coder = SparseCoder.load(run.coderFolder)) {
      coder.save(folder);
      for (String file : List.of("cfg.json", "sae.safetensors")) {
        assertThat(Files.readAllBytes(folder.resolve(file)))
            .as(file)
            .isEqualTo(Files.readAllBytes(run.coderFolder.resolve(file)));
      }
    }
  }
}
