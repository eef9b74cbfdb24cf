package dev.palimpsest.rewrite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.palimpsest.activations.Hook;
import dev.palimpsest.activations.HookedActivations;
import dev.palimpsest.base.Progress;
import dev.palimpsest.coder.FileEncoder;
import dev.palimpsest.evaluate.CoderEvaluation;
import dev.palimpsest.evaluate.EvaluationResult;
import dev.palimpsest.latents.LatentBatch;
import dev.palimpsest.latents.LatentStream;
import dev.palimpsest.model.TokenBatch;
import dev.palimpsest.results.Protocol;
import dev.palimpsest.results.RewriteConfig;
import dev.palimpsest.safetensors.SafeTensors;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Precision;
import dev.palimpsest.text.TokenWindows;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Everything between the text and the loss table gives on a device what it gives on the CPU; each
 * device's class runs these.
 */
abstract class DevicePipeline {
  private static final String MLP = "layers.1.mlp";

  /** The device under test. */
  abstract Device device(Precision precision);

  private RewriteFixture fixture(boolean transcode, Device device) {
    return new RewriteFixture("gpt_neox", MLP, transcode, transcode, device);
  }

  @Test
  void hookedActivationsAreGatheredOnTheDevice() {
    List<float[]> found = new ArrayList<>();
    for (Device each : List.of(Device.cpu(), device(Precision.FP32))) {
      try (RewriteFixture fixture = fixture(true, each);
          HookedActivations activations =
              new HookedActivations(
                  fixture.model, List.of(new Hook(MLP, true)), fixture.excluded, 60)) {
        TokenBatch batch = batch(RewriteFixture.text(4, 15, 2));
        int n = activations.run(batch, 50);
        assertThat(n).isBetween(30, 49);
        int size = n * activations.width();
        float[] x = new float[size];
        float[] y = new float[size];
        each.memory().get(activations.x(0), x, size);
        each.memory().get(activations.y(0), y, size);
        found.add(x);
        found.add(y);
      }
    }
    assertClose(found.get(2), found.get(0), 1e-4);
    assertClose(found.get(3), found.get(1), 1e-4);
  }

  @Test
  void evaluationAgrees() {
    for (boolean transcode : new boolean[] {true, false}) {
      EvaluationResult here = evaluate(transcode, Device.cpu());
      EvaluationResult there = evaluate(transcode, device(Precision.FP32));
      assertThat(there.ceLossWithSae()).isCloseTo(here.ceLossWithSae(), within(1e-4));
      assertThat(there.ceLossWithoutSae()).isCloseTo(here.ceLossWithoutSae(), within(1e-4));
      assertThat(there.ceLossWithAblation()).isCloseTo(here.ceLossWithAblation(), within(1e-4));
      assertThat(there.klDivWithSae().orElseThrow())
          .isCloseTo(here.klDivWithSae().orElseThrow(), within(1e-4));
      assertThat(there.fvu()).isCloseTo(here.fvu(), within(1e-3));
      assertThat(there.l0()).isCloseTo(here.l0(), within(1e-6));
      assertThat(there.tokens()).isEqualTo(here.tokens());
    }
  }

  private EvaluationResult evaluate(boolean transcode, Device device) {
    try (RewriteFixture fixture = fixture(transcode, device)) {
      return CoderEvaluation.evaluate(
              fixture.model,
              List.of(new CoderEvaluation.Place(MLP, fixture.coder)),
              RewriteFixture.text(5, 14, 4),
              fixture.excluded,
              70,
              true,
              Progress.SILENT)
          .get(0);
    }
  }

  @Test
  void latentsStreamAlike() {
    LatentBatch here = stream(Device.cpu());
    LatentBatch there = stream(device(Precision.FP32));
    assertThat(there.kept()).isEqualTo(here.kept());
    assertThat(there.latents()).isEqualTo(here.latents());
    assertClose(there.activations(), here.activations(), 1e-4);
  }

  private LatentBatch stream(Device device) {
    List<LatentBatch> batches = new ArrayList<>();
    try (RewriteFixture fixture = fixture(true, device)) {
      new LatentStream(fixture.model, fixture.coder, MLP, true, fixture.excluded)
          .run(RewriteFixture.text(3, 12, 5), new long[] {0, 1, 2}, 3, batches::add);
    }
    return batches.get(0);
  }

  @Test
  void filesAreEncodedAlike(@TempDir Path folder) {
    Path input = folder.resolve("in.safetensors");
    SplittableRandom random = new SplittableRandom(7);
    FileEncoder.Result[] results = new FileEncoder.Result[2];
    Path[] outputs = {folder.resolve("cpu.safetensors"), folder.resolve("device.safetensors")};
    for (int side = 0; side < 2; side++) {
      Device each = side == 0 ? Device.cpu() : device(Precision.FP32);
      try (RewriteFixture fixture = fixture(true, each)) {
        int width = fixture.model.config().width();
        if (side == 0) {
          float[] x = new float[19 * width];
          float[] y = new float[19 * width];
          for (int i = 0; i < x.length; i++) {
            x[i] = (float) (random.nextDouble() - 0.3);
            y[i] = (float) random.nextDouble();
          }
          new SafeTensorsWriter()
              .add("x", new long[] {19, width}, x)
              .add("y", new long[] {19, width}, y)
              .write(input);
        }
        results[side] =
            new FileEncoder(fixture.coder).encode(input, outputs[side], Progress.SILENT);
      }
    }
    assertThat(results[1].fvu().orElseThrow())
        .isCloseTo(results[0].fvu().orElseThrow(), within(1e-5));
    try (SafeTensors here = SafeTensors.open(outputs[0]);
        SafeTensors there = SafeTensors.open(outputs[1])) {
      assertThat(there.longs("latent_indices")).isEqualTo(here.longs("latent_indices"));
      assertClose(there.floats("latent_acts"), here.floats("latent_acts"), 1e-5);
      assertClose(there.floats("out"), here.floats("out"), 1e-5);
    }
  }

  @Test
  void lossesOfEveryReplacementAgree() {
    compareRewrites(Protocol.ALL_TOKENS, true, Precision.FP32, 1e-3);
    compareRewrites(Protocol.LAST_TOKEN, true, Precision.FP32, 1e-3);
    compareRewrites(Protocol.ALL_TOKENS, false, Precision.FP32, 1e-3);
  }

  @Test
  void sixteenBitLossesComeClose() {
    compareRewrites(Protocol.ALL_TOKENS, true, Precision.BF16, 0.5);
  }

  /** Compares sums over the tokens of a window. */
  private void compareRewrites(
      Protocol protocol, boolean transcode, Precision precision, double tolerance) {
    RewriteEvaluator.Evaluation here = rewrite(protocol, transcode, Device.cpu());
    RewriteEvaluator.Evaluation there = rewrite(protocol, transcode, device(precision));
    assertThat(there.variants()).isEqualTo(here.variants()).hasSizeGreaterThan(20);
    for (int v = 0; v < here.variants().size(); v++) {
      for (int w = 0; w < here.windows().size(); w++) {
        assertThat(there.table().crossEntropy(v)[w])
            .as("%s, window %d", here.variants().get(v), w)
            .isCloseTo(here.table().crossEntropy(v)[w], within(tolerance));
        assertThat(there.table().divergence(v)[w])
            .as("%s, window %d", here.variants().get(v), w)
            .isCloseTo(here.table().divergence(v)[w], within(tolerance));
      }
    }
  }

  private RewriteEvaluator.Evaluation rewrite(Protocol protocol, boolean transcode, Device device) {
    try (RewriteFixture fixture = fixture(transcode, device)) {
      RewriteConfig config =
          RewriteFixture.config(protocol, 10, List.of("quantile", "conditional-mean"));
      RewriteInputs inputs =
          fixture.inputs(
              RewriteFixture.text(6, 11, 3),
              RewriteFixture.predictors(),
              RewriteFixture.shuffled());
      return RewriteEvaluator.evaluation(inputs, config, LossJournal.none(), Progress.SILENT);
    }
  }

  private static TokenBatch batch(TokenWindows windows) {
    int length = windows.contextLength();
    int[] ids = new int[(int) windows.size() * length];
    for (int row = 0; row < windows.size(); row++) {
      windows.read(row, ids, row * length);
    }
    return new TokenBatch((int) windows.size(), length, ids);
  }

  private static void assertClose(float[] found, float[] expected, double tolerance) {
    assertThat(found).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      assertThat((double) found[i]).as("element %d", i).isCloseTo(expected[i], within(tolerance));
    }
  }
}
