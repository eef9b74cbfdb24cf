package dev.palimpsest.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.activations.ActivationCache;
import dev.palimpsest.activations.ActivationCacheWriter;
import dev.palimpsest.activations.CacheRequest;
import dev.palimpsest.activations.Hook;
import dev.palimpsest.activations.StoredType;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.Progress;
import dev.palimpsest.base.Seeds;
import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.ParameterSet;
import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.Activation;
import dev.palimpsest.kernels.NativeArrays;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelDigest;
import dev.palimpsest.model.TestModels;
import dev.palimpsest.run.RunLog;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Precision;
import dev.palimpsest.text.Corpus;
import dev.palimpsest.text.CorpusOptions;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.TokenWidth;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Training on a device goes as it does on the CPU; each device's class runs these. */
abstract class DeviceTraining {
  static final int WIDTH = 20;
  static final int LATENTS = 48;
  static final int K = 4;
  static final int ROWS = 33;
  private static final int STEPS = 6;

  static final CoderConfig TRANSCODER = CoderConfig.transcoder(WIDTH, LATENTS, K, true);
  static final CoderConfig AUTOENCODER = CoderConfig.autoencoder(WIDTH, LATENTS, K);

  /** The device under test. */
  abstract Device device(Precision precision);

  /** What a training run leaves: its batches' FVU, the evaluated weights, firings. */
  private record Outcome(List<StepStats> steps, List<float[]> weights, List<Long> fired) {}

  @Test
  void adamTrainsASkipTranscoder() {
    compare(TRANSCODER, OptimizerConfig.of(Optimizer.ADAM), Precision.FP32, 2e-5, 2e-4);
  }

  @Test
  void adamTrainsAnAutoencoder() {
    compare(AUTOENCODER, OptimizerConfig.of(Optimizer.ADAM), Precision.FP32, 2e-5, 2e-4);
  }

  @Test
  void signumTrainsAnAutoencoder() {
    compare(AUTOENCODER, OptimizerConfig.of(Optimizer.SIGNUM), Precision.FP32, 1e-3, 2e-2);
  }

  @Test
  void groupmaxTrains() {
    compare(
        TRANSCODER.withActivation(Activation.GROUPMAX),
        OptimizerConfig.of(Optimizer.ADAM),
        Precision.FP32,
        2e-5,
        2e-4);
  }

  @Test
  void gradientsAccumulate() {
    OptimizerConfig config = OptimizerConfig.of(Optimizer.ADAM).withAccumulationSteps(2);
    compare(AUTOENCODER, config, Precision.FP32, 2e-5, 2e-4);
  }

  @Test
  void sixteenBitOperandsComeClose() {
    compare(AUTOENCODER, OptimizerConfig.of(Optimizer.ADAM), Precision.BF16, 2e-2, 2e-2);
  }

  /**
   * The kernels' own 16-bit copy of the weights is current whatever changed them: a coder that is
   * loaded from its file, whose copy is new, selects the same latents with the same bits.
   */
  @Test
  void sixteenBitOperandsFollowTheWeights(@TempDir Path folder) {
    Device device = device(Precision.BF16);
    for (CoderConfig shape : List.of(TRANSCODER, AUTOENCODER)) {
      for (int batches : new int[] {1, 2}) {
        OptimizerConfig config =
            OptimizerConfig.of(Optimizer.ADAM)
                .withLearningRate(0.1)
                .withWarmupSteps(0)
                .withAccumulationSteps(batches);
        Path state = folder.resolve("state.safetensors");
        try (SparseCoder coder = SparseCoder.initialise(shape, 3, device);
            CoderTrainer trainer = new CoderTrainer(coder, config, STEPS);
            NativeArrays memory = new NativeArrays(device.memory())) {
          assertCurrent(coder, folder.resolve("coder"), "initialised");
          FloatPointer x = memory.floats(ROWS * WIDTH);
          FloatPointer y = memory.floats(ROWS * WIDTH);
          device.memory().put(batch(0)[0], x, ROWS * WIDTH);
          device.memory().put(batch(0)[1], y, ROWS * WIDTH);
          trainer.initialiseFromFirstBatch(x, y, ROWS);
          assertCurrent(coder, folder.resolve("coder"), "centred");
          for (int i = 0; i < batches; i++) {
            trainer.step(x, y, ROWS);
          }
          assertCurrent(coder, folder.resolve("coder"), "after a step");
          trainer.writeState(state);
          try (SparseCoder other = SparseCoder.initialise(shape, 4, device);
              CoderTrainer continued = new CoderTrainer(other, config, STEPS)) {
            continued.readState(state);
            assertCurrent(other, folder.resolve("coder"), "read back");
          }
        }
      }
    }
  }

  /** What a step computes in one call has the bits of two, here and on the CPU. */
  @Test
  void outputAndLossInOneGiveTheSameGradient() {
    for (Precision precision : Precision.values()) {
      Device device = device(precision);
      try (SparseCoder coder = SparseCoder.initialise(TRANSCODER, 3, device);
          NativeArrays memory = new NativeArrays(device.memory());
          SparseActivations latents = new SparseActivations(device.memory(), ROWS, K)) {
        int size = ROWS * WIDTH;
        FloatPointer x = memory.floats(size);
        FloatPointer y = memory.floats(size);
        FloatPointer apart = memory.floats(size);
        FloatPointer fused = memory.floats(size);
        DoublePointer sumsApart = memory.doubles(2);
        DoublePointer sumsFused = memory.doubles(2);
        device.memory().put(batch(0)[0], x, size);
        device.memory().put(batch(0)[1], y, size);
        coder.encode(x, ROWS, latents);
        coder.decode(latents, x, apart);
        device
            .kernels()
            .fvu(apart, y, ROWS, WIDTH, Optional.of(apart), sumsApart, coder.workspace());
        coder.decodeLoss(latents, x, y, fused, sumsFused);

        float[] expected = new float[size];
        float[] found = new float[size];
        double[] expectedSums = new double[2];
        double[] foundSums = new double[2];
        device.memory().get(apart, expected, size);
        device.memory().get(fused, found, size);
        device.memory().get(sumsApart, expectedSums, 2);
        device.memory().get(sumsFused, foundSums, 2);
        assertThat(found).isEqualTo(expected);
        assertThat(foundSums[1]).isEqualTo(expectedSums[1]);
        assertThat(foundSums[0]).isCloseTo(expectedSums[0], within(1e-12 * expectedSums[0]));
      }
    }
  }

  private static void assertCurrent(SparseCoder coder, Path folder, String when) {
    coder.save(folder);
    try (SparseCoder anew = SparseCoder.load(folder, coder.device());
        NativeArrays memory = new NativeArrays(coder.device().memory());
        SparseActivations here = new SparseActivations(coder.device().memory(), ROWS, K);
        SparseActivations there = new SparseActivations(coder.device().memory(), ROWS, K)) {
      FloatPointer x = memory.floats(ROWS * WIDTH);
      coder.device().memory().put(batch(5)[0], x, ROWS * WIDTH);
      coder.encode(x, ROWS, here);
      anew.encode(x, ROWS, there);
      assertThat(here.indicesArray(ROWS)).as(when).isEqualTo(there.indicesArray(ROWS));
      assertThat(here.valuesArray(ROWS)).as(when).isEqualTo(there.valuesArray(ROWS));
    }
  }

  @Test
  void aRunGoesOnFromItsStateOnEitherSide(@TempDir Path folder) {
    Device device = device(Precision.FP32);
    Path state = folder.resolve("state.safetensors");
    OptimizerConfig config = optimizer(OptimizerConfig.of(Optimizer.ADAM));
    try (SparseCoder coder = SparseCoder.initialise(AUTOENCODER, 3, device);
        CoderTrainer trainer = new CoderTrainer(coder, config, STEPS)) {
      run(coder, trainer, 0, 3);
      trainer.writeState(state);
      run(coder, trainer, 3, STEPS);
      for (Device other : List.of(device, Device.cpu())) {
        try (SparseCoder again = SparseCoder.initialise(AUTOENCODER, 4, other);
            CoderTrainer continued = new CoderTrainer(again, config, STEPS)) {
          continued.readState(state);
          run(again, continued, 3, STEPS);
          assertThat(continued.firedCounts()).isEqualTo(trainer.firedCounts());
          assertClose(weights(again), weights(coder), other == device ? 0 : 2e-4);
        }
      }
    }
  }

  @Test
  void codersAreSavedAndLoadedWithAllTheirBits(@TempDir Path folder) {
    try (SparseCoder coder = SparseCoder.initialise(AUTOENCODER, 5, device(Precision.FP32))) {
      coder.save(folder);
      try (SparseCoder onCpu = SparseCoder.load(folder);
          SparseCoder back = SparseCoder.load(folder, device(Precision.BF16))) {
        assertClose(weights(onCpu), weights(coder), 0);
        assertClose(weights(back), weights(coder), 0);
        assertThat(back.decoderRow(7)).containsExactly(onCpu.decoderRow(7));
        assertThat(back.frozenDecoderRow(7)).containsExactly(onCpu.decoderRow(7));
      }
    }
  }

  @Test
  void aWholeRunTrainsFromTextToCoder(@TempDir Path folder) throws IOException {
    TrainResult here = wholeRun(Device.cpu(), folder.resolve("cpu"), folder);
    TrainResult there = wholeRun(device(Precision.FP32), folder.resolve("device"), folder);
    assertThat(there.fvu().orElseThrow()).isCloseTo(here.fvu().orElseThrow(), within(1e-3));
    assertThat(there.ceLossScore().orElseThrow())
        .isCloseTo(here.ceLossScore().orElseThrow(), within(1e-2));
    assertThat(there.perCoder().get(0).l0()).isCloseTo(here.perCoder().get(0).l0(), within(0.05));
    List<JsonNode> linesHere = lines(folder.resolve("cpu"));
    List<JsonNode> linesThere = lines(folder.resolve("device"));
    assertThat(linesThere).hasSameSizeAs(linesHere);
    for (int i = 0; i < linesHere.size(); i++) {
      JsonNode line = linesThere.get(i);
      assertThat(line.get("step")).isEqualTo(linesHere.get(i).get("step"));
      assertThat(line.get("tokens")).isEqualTo(linesHere.get(i).get("tokens"));
      assertThat(line.get("lr")).isEqualTo(linesHere.get(i).get("lr"));
      assertThat(line.get("fvu").doubleValue())
          .isCloseTo(linesHere.get(i).get("fvu").doubleValue(), within(1e-3));
      assertThat(line.has("held_out_fvu")).isEqualTo(linesHere.get(i).has("held_out_fvu"));
    }
    assertThat(here.peakDeviceBytes()).isEmpty();
    assertThat(there.peakDeviceBytes()).isPresent();
  }

  /** metrics.jsonl, a line a step. */
  static List<JsonNode> lines(Path run) throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(run.resolve("metrics.jsonl"))) {
      lines.add(Json.MAPPER.readTree(line));
    }
    return lines;
  }

  static TrainResult wholeRun(Device device, Path out, Path shared) throws IOException {
    OptimizerConfig optimizer = optimizer(OptimizerConfig.of(Optimizer.ADAM));
    return wholeRun(device, out, shared, optimizer, "layers.1.mlp");
  }

  /** The same by another optimiser, at another hook. */
  static TrainResult wholeRun(
      Device device, Path out, Path shared, OptimizerConfig optimizer, String hookpoint)
      throws IOException {
    return wholeRun(device, out, shared, optimizer, hookpoint, Optional.empty());
  }

  /**
   * The same from activations of the device's own model.
   *
   * @param type what they are stored as; empty: they are not
   */
  private static TrainResult wholeRun(
      Device device,
      Path out,
      Path shared,
      OptimizerConfig optimizer,
      String hookpoint,
      Optional<StoredType> type)
      throws IOException {
    Path text = shared.resolve("text.bin");
    CorpusOptions options =
        CorpusOptions.defaults().withTokens(Optional.of(TokenWidth.U16), OptionalInt.of(3));
    CoderSpec spec =
        new CoderSpec(hookpoint, true, true, Activation.TOPK, OptionalInt.of(48), 0, 4);
    TrainConfig config =
        new TrainConfig(List.of(spec), List.of(0L), 480, 96, 16, optimizer, "auto", 3, 3, 128);
    if (Files.notExists(text)) {
      writeTokens(text);
    }
    Path folder = TestModels.golden("gpt_neox");
    try (LanguageModel model = LanguageModel.load(folder, device)) {
      Corpus corpus =
          Corpus.openFor(
              folder,
              model.config().vocabularySize(),
              List.of(text.toString()),
              0,
              shared.resolve("tokens"),
              options);
      return Training.run(
          config,
          new ModelDigest(Map.of()),
          model,
          corpus,
          type.map(stored -> cached(config, model, corpus, stored, Path.of(out + ".cache"))),
          out,
          new Training.Start(false, "choose another", () -> {}),
          RunLog.SILENT);
    }
  }

  private static ActivationCache cached(
      TrainConfig config, LanguageModel model, Corpus corpus, StoredType type, Path folder) {
    CacheRequest request =
        new CacheRequest(
            List.of(new Hook(config.coders().get(0).hookpoint(), true)),
            new ModelDigest(Map.of()),
            corpus,
            config.contextLength(),
            config.tokens(),
            type,
            ExcludedTokens.parse(config.excludedTokens(), corpus),
            96,
            1);
    return new ActivationCacheWriter(request, model, folder, Progress.SILENT).write(false);
  }

  @Test
  void cachedActivationsTrainAsTheModelsOwn(@TempDir Path folder) throws IOException {
    OptimizerConfig optimizer = optimizer(OptimizerConfig.of(Optimizer.ADAM));
    Device device = device(Precision.FP32);
    wholeRun(device, folder.resolve("live"), folder, optimizer, "layers.1.mlp");
    wholeRun(
        device,
        folder.resolve("cached"),
        folder,
        optimizer,
        "layers.1.mlp",
        Optional.of(StoredType.FP32));
    List<JsonNode> live = lines(folder.resolve("live"));
    assertThat(lines(folder.resolve("cached"))).isEqualTo(live).isNotEmpty();
    wholeRun(
        device,
        folder.resolve("rounded"),
        folder,
        optimizer,
        "layers.1.mlp",
        Optional.of(StoredType.FP16));
    List<JsonNode> rounded = lines(folder.resolve("rounded"));
    for (int i = 0; i < live.size(); i++) {
      assertThat(rounded.get(i).get("fvu").doubleValue())
          .isCloseTo(live.get(i).get("fvu").doubleValue(), within(2e-3));
    }
  }

  /** Documents of about forty random tokens, as 16-bit ids; 3 ends a document. */
  private static void writeTokens(Path file) throws IOException {
    SplittableRandom random = Seeds.stream(12, "text");
    ByteBuffer ids = ByteBuffer.allocate(2 * 8000).order(ByteOrder.LITTLE_ENDIAN);
    while (ids.hasRemaining()) {
      ids.putShort((short) (random.nextInt(40) == 0 ? 3 : 4 + random.nextInt(90)));
    }
    Files.write(file, ids.array());
  }

  private void compare(
      CoderConfig shape,
      OptimizerConfig optimizer,
      Precision precision,
      double fvuTolerance,
      double weightTolerance) {
    Outcome expected = outcome(shape, optimizer(optimizer), Device.cpu());
    Outcome found = outcome(shape, optimizer(optimizer), device(precision));
    for (int i = 0; i < expected.steps().size(); i++) {
      StepStats there = found.steps().get(i);
      StepStats here = expected.steps().get(i);
      assertThat(there.fvu().orElseThrow())
          .as("FVU of batch %d", i)
          .isCloseTo(here.fvu().orElseThrow(), within(fvuTolerance));
      assertThat(there.l0().orElseThrow())
          .as("L0 of batch %d", i)
          .isCloseTo(here.l0().orElseThrow(), within(0.2));
      if (precision == Precision.FP32) {
        assertThat(there.deadFraction()).as("dead after %d", i).isEqualTo(here.deadFraction());
      }
      assertThat(there.tokens()).isEqualTo(here.tokens());
      assertThat(there.step()).isEqualTo(here.step());
    }
    assertClose(found.weights(), expected.weights(), weightTolerance);
    if (precision == Precision.FP32) {
      assertThat(found.fired()).isEqualTo(expected.fired());
    }
  }

  static OptimizerConfig optimizer(OptimizerConfig config) {
    return config.withLearningRate(1e-3).withWarmupSteps(2).withDeadAfterTokens(60);
  }

  private static Outcome outcome(CoderConfig shape, OptimizerConfig config, Device device) {
    try (SparseCoder coder = SparseCoder.initialise(shape, 3, device);
        CoderTrainer trainer = new CoderTrainer(coder, config, STEPS)) {
      List<StepStats> steps = run(coder, trainer, 0, STEPS * config.accumulationSteps());
      try (SparseCoder evaluated = trainer.evaluationCoder()) {
        return new Outcome(
            steps, weights(evaluated), Arrays.stream(trainer.firedCounts()).boxed().toList());
      }
    }
  }

  private static List<StepStats> run(SparseCoder coder, CoderTrainer trainer, int from, int to) {
    List<StepStats> steps = new ArrayList<>();
    Device device = coder.device();
    try (NativeArrays memory = new NativeArrays(device.memory())) {
      FloatPointer x = memory.floats(ROWS * WIDTH);
      FloatPointer y = coder.config().transcode() ? memory.floats(ROWS * WIDTH) : x;
      for (int batch = from; batch < to; batch++) {
        float[][] values = batch(batch);
        device.memory().put(values[1], y, ROWS * WIDTH);
        device.memory().put(values[0], x, ROWS * WIDTH);
        if (batch == 0) {
          trainer.initialiseFromFirstBatch(x, y, ROWS);
        }
        steps.add(trainer.step(x, y, ROWS));
      }
    }
    return steps;
  }

  /** x and y of one batch: a few directions and noise. */
  static float[][] batch(int number) {
    SplittableRandom random = Seeds.stream(11, "batch", number);
    float[] x = new float[ROWS * WIDTH];
    float[] y = new float[ROWS * WIDTH];
    for (int row = 0; row < ROWS; row++) {
      int direction = random.nextInt(8);
      double strength = 1 + random.nextDouble();
      for (int i = 0; i < WIDTH; i++) {
        double noise = 0.3 * (random.nextDouble() - 0.5);
        x[row * WIDTH + i] = (float) (strength * Math.sin(direction * 7.1 + i) + noise + 0.2);
        y[row * WIDTH + i] = (float) (strength * Math.cos(direction * 3.7 + i) - noise);
      }
    }
    return new float[][] {x, y};
  }

  static List<float[]> weights(SparseCoder coder) {
    List<float[]> all = new ArrayList<>();
    for (ParameterSet.Part part : coder.parameters().parts()) {
      float[] values = new float[(int) part.elements()];
      coder.device().memory().get(part.values(), values, values.length);
      all.add(values);
    }
    return all;
  }

  private static void assertClose(List<float[]> found, List<float[]> expected, double tolerance) {
    assertThat(found).hasSameSizeAs(expected);
    for (int part = 0; part < found.size(); part++) {
      for (int i = 0; i < expected.get(part).length; i++) {
        assertThat((double) found.get(part)[i])
            .as("part %d, element %d", part, i)
            .isCloseTo(expected.get(part)[i], within(tolerance));
      }
    }
  }

  @Test
  void givenLatentsAreDecoded() {
    Device device = device(Precision.FP32);
    float[] values = {1, -2, 0, 0.5f};
    int[] indices = {3, 47, 0, 9};
    List<float[]> outputs = new ArrayList<>();
    for (Device each : List.of(Device.cpu(), device)) {
      try (SparseCoder coder = SparseCoder.initialise(AUTOENCODER, 8, each);
          SparseActivations latents = new SparseActivations(each.memory(), 2, 2);
          NativeArrays memory = new NativeArrays(each.memory())) {
        latents.set(values, indices, 2);
        FloatPointer out = memory.floats(2 * WIDTH);
        coder.decode(latents, new FloatPointer(), out);
        float[] read = new float[2 * WIDTH];
        each.memory().get(out, read, read.length);
        outputs.add(read);
        assertThat(latents.valuesArray(2)).containsExactly(values);
        assertThat(latents.indicesArray(2)).containsExactly(indices);
      }
    }
    assertClose(List.of(outputs.get(1)), List.of(outputs.get(0)), 1e-6);
  }
}
