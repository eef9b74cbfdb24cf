package dev.palimpsest.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.NativeArrays;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Precision;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Steps that are queued ahead, most of them as graphs, leave the bits and tell the figures of steps
 * that are waited for one by one; each device's class runs these.
 */
abstract class DeviceQueue {
  private static final int WIDTH = DeviceTraining.WIDTH;
  private static final int ROWS = DeviceTraining.ROWS;
  private static final long TOTAL_STEPS = 200;

  /** The device under test. */
  abstract Device device(Precision precision);

  /** When the figures of queued steps are asked for. */
  private enum Asked {
    AFTER_EACH,
    AT_THE_END
  }

  /** What a training leaves. */
  private record Outcome(
      List<StepStats> steps, List<float[]> weights, List<Long> fired, double dead, long replays) {}

  /**
   * A training on the device.
   *
   * @param rows of each batch; 0: passed over
   */
  private Outcome train(
      CoderConfig shape, OptimizerConfig config, Precision precision, Asked asked, int... rows) {
    try (SparseCoder coder = SparseCoder.initialise(shape, 3, device(precision));
        CoderTrainer trainer =
            new CoderTrainer(coder, DeviceTraining.optimizer(config), TOTAL_STEPS)) {
      List<StepStats> steps = train(coder, trainer, asked, 0, rows);
      return outcome(coder, trainer, steps);
    }
  }

  private static Outcome outcome(SparseCoder coder, CoderTrainer trainer, List<StepStats> steps) {
    return new Outcome(
        steps,
        DeviceTraining.weights(coder),
        fired(trainer),
        trainer.deadFraction(),
        trainer.replayedSteps());
  }

  private static List<Long> fired(CoderTrainer trainer) {
    return Arrays.stream(trainer.firedCounts()).boxed().toList();
  }

  private static List<StepStats> train(
      SparseCoder coder, CoderTrainer trainer, Asked asked, int firstBatch, int... rows) {
    List<StepStats> steps = new ArrayList<>();
    trainer.reserve(ROWS);
    try (NativeArrays memory = new NativeArrays(coder.device().memory())) {
      FloatPointer x = memory.floats(ROWS * WIDTH);
      FloatPointer y = coder.config().transcode() ? memory.floats(ROWS * WIDTH) : x;
      for (int i = 0; i < rows.length; i++) {
        if (rows[i] == 0) {
          trainer.queueSkip();
        } else {
          float[][] values = DeviceTraining.batch(firstBatch + i);
          coder.device().memory().put(values[1], y, ROWS * WIDTH);
          coder.device().memory().put(values[0], x, ROWS * WIDTH);
          if (trainer.untouched()) {
            trainer.initialiseFromFirstBatch(x, y, rows[i]);
          }
          trainer.queue(x, y, rows[i]);
        }
        if (asked == Asked.AFTER_EACH) {
          steps.addAll(trainer.settle());
        }
      }
      steps.addAll(trainer.settle());
    }
    return steps;
  }

  private static void assertSame(Outcome found, Outcome expected) {
    assertThat(found.steps()).isEqualTo(expected.steps());
    assertThat(found.fired()).isEqualTo(expected.fired());
    assertThat(found.dead()).isEqualTo(expected.dead());
    for (int part = 0; part < expected.weights().size(); part++) {
      assertThat(found.weights().get(part))
          .as("part %d", part)
          .isEqualTo(expected.weights().get(part));
    }
  }

  private static int[] times(int rows, int count) {
    return IntStream.generate(() -> rows).limit(count).toArray();
  }

  /** The unfused update queues kernel by kernel and has the same bits, so it is the yardstick. */
  @Test
  void replayedStepsHaveTheBitsOfEagerOnes() {
    for (Optimizer optimizer : Optimizer.values()) {
      for (CoderConfig shape : List.of(DeviceTraining.TRANSCODER, DeviceTraining.AUTOENCODER)) {
        for (Precision precision : Precision.values()) {
          OptimizerConfig config = OptimizerConfig.of(optimizer);
          int[] rows = times(ROWS, 7);
          Outcome graphs = train(shape, config, precision, Asked.AT_THE_END, rows);
          Outcome eager = train(shape, config.unfused(), precision, Asked.AFTER_EACH, rows);
          // The first finds how much scratch memory a step takes.
          assertThat(graphs.replays()).isEqualTo(6);
          assertThat(eager.replays()).isZero();
          assertSame(graphs, eager);
        }
      }
    }
  }

  @Test
  void batchesOfSeveralSizesHaveAGraphEach() {
    int[] rows = {33, 20, 33, 1, 20, 33, 0, 20, 1, 0, 33, 17};
    for (Asked asked : Asked.values()) {
      Outcome found =
          train(
              DeviceTraining.AUTOENCODER,
              OptimizerConfig.of(Optimizer.ADAM),
              Precision.FP32,
              asked,
              rows);
      assertSame(
          found,
          train(
              DeviceTraining.AUTOENCODER,
              OptimizerConfig.of(Optimizer.ADAM).unfused(),
              Precision.FP32,
              Asked.AFTER_EACH,
              rows));
      assertThat(found.replays()).isEqualTo(6);
      assertThat(found.steps()).hasSize(rows.length);
      assertThat(found.steps().get(6).l0()).isEmpty();
      assertThat(found.steps().get(6).deadFraction())
          .isEqualTo(found.steps().get(5).deadFraction());
    }
  }

  @Test
  void moreSizesThanAreKeptAreForgottenInTurn() {
    int sizes = QueuedStep.MOST_SHAPES + 1;
    int[] rows = new int[2 * sizes + 3];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = i < 2 * sizes ? 1 + i % sizes : ROWS;
    }
    Outcome found =
        train(
            DeviceTraining.AUTOENCODER,
            OptimizerConfig.of(Optimizer.ADAM),
            Precision.FP32,
            Asked.AT_THE_END,
            rows);
    assertThat(found.replays()).isEqualTo(3);
    assertSame(
        found,
        train(
            DeviceTraining.AUTOENCODER,
            OptimizerConfig.of(Optimizer.ADAM).unfused(),
            Precision.FP32,
            Asked.AFTER_EACH,
            rows));
  }

  /** More steps than the device's log holds: it is read in between, and nothing is lost. */
  @Test
  void figuresOutliveTheLog() {
    int[] rows = times(ROWS, 2 * QueuedRecord.LENGTH + 5);
    rows[3] = 0;
    rows[QueuedRecord.LENGTH] = 0;
    Outcome late =
        train(
            DeviceTraining.TRANSCODER,
            OptimizerConfig.of(Optimizer.ADAM),
            Precision.FP32,
            Asked.AT_THE_END,
            rows);
    Outcome early =
        train(
            DeviceTraining.TRANSCODER,
            OptimizerConfig.of(Optimizer.ADAM),
            Precision.FP32,
            Asked.AFTER_EACH,
            rows);
    assertThat(late.steps()).hasSize(rows.length);
    assertSame(late, early);
  }

  /** A coder that is evaluated and saved between steps goes on with its graphs. */
  @Test
  void aRunGoesOnFromAFileWithItsGraphs(@TempDir Path folder) {
    Path file = folder.resolve("state.safetensors");
    OptimizerConfig config = DeviceTraining.optimizer(OptimizerConfig.of(Optimizer.ADAM));
    CoderConfig shape = DeviceTraining.AUTOENCODER;
    Device device = device(Precision.BF16);
    try (SparseCoder coder = SparseCoder.initialise(shape, 3, device);
        CoderTrainer trainer = new CoderTrainer(coder, config, TOTAL_STEPS);
        SparseCoder again = SparseCoder.initialise(shape, 4, device);
        CoderTrainer continued = new CoderTrainer(again, config, TOTAL_STEPS)) {
      train(coder, trainer, Asked.AT_THE_END, 0, times(ROWS, 3));
      trainer.writeState(file);
      List<StepStats> expected = train(coder, trainer, Asked.AT_THE_END, 3, times(ROWS, 4));
      // What the file takes the place of has its graphs, and figures that nobody asked for.
      train(again, continued, Asked.AFTER_EACH, 20, times(ROWS, 5));
      continued.readState(file);
      assertThat(continued.tokens()).isEqualTo(3L * ROWS);
      List<StepStats> found = train(again, continued, Asked.AT_THE_END, 3, times(ROWS, 4));
      assertSame(
          outcome(again, continued, found),
          new Outcome(
              expected, DeviceTraining.weights(coder), fired(trainer), trainer.deadFraction(), 0));
      assertThat(continued.replayedSteps()).isGreaterThan(4);
    }
  }

  /** Nothing may be lost unseen: a step that is waited for tells of itself alone. */
  @Test
  void aStepThatIsWaitedForComesAfterNoneThatIsNot() {
    try (SparseCoder coder =
            SparseCoder.initialise(DeviceTraining.AUTOENCODER, 3, device(Precision.FP32));
        CoderTrainer trainer =
            new CoderTrainer(coder, OptimizerConfig.of(Optimizer.ADAM), TOTAL_STEPS);
        NativeArrays memory = new NativeArrays(coder.device().memory())) {
      FloatPointer x = memory.floats(ROWS * WIDTH);
      coder.device().memory().put(DeviceTraining.batch(0)[0], x, ROWS * WIDTH);
      trainer.queue(x, x, ROWS);
      assertThatThrownBy(() -> trainer.step(x, x, ROWS)).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(trainer::skip).isInstanceOf(IllegalStateException.class);
      assertThat(trainer.settle()).hasSize(1);
      assertThat(trainer.step(x, x, ROWS).step()).isEqualTo(2);
      assertThat(trainer.settle()).isEmpty();
    }
  }

  /** A run that diverges while steps are queued ends as one on the CPU: at the step that did. */
  @Test
  void aDivergedRunEndsAtItsStep(@TempDir Path folder) throws IOException {
    OptimizerConfig wild =
        OptimizerConfig.of(Optimizer.ADAM).withLearningRate(1e6).withWarmupSteps(0);
    List<List<JsonNode>> lines = new ArrayList<>();
    for (Device each : List.of(Device.cpu(), device(Precision.FP32))) {
      Path out = folder.resolve(each.name());
      Throwable failure =
          catchThrowable(() -> DeviceTraining.wholeRun(each, out, folder, wild, "layers.1.mlp"));
      assertThat(failure).isInstanceOf(PalimpsestException.class).hasMessageContaining("diverged");
      lines.add(DeviceTraining.lines(out));
      JsonNode last = lines.get(lines.size() - 1).get(lines.get(lines.size() - 1).size() - 1);
      assertThat(failure).hasMessageContaining("step " + last.get("step").asLong());
    }
    assertThat(lines.get(1)).hasSameSizeAs(lines.get(0));
  }

  /** Batches whose targets are equal have no FVU, whenever that is found out. */
  @Test
  void aBatchWithoutVarianceIsFoundAmongQueuedOnes(@TempDir Path folder) throws IOException {
    // Mostly long documents of one token: many a batch has equal rows, but for rounding.
    ByteBuffer text = ByteBuffer.allocate(2 * 12_000).order(ByteOrder.LITTLE_ENDIAN);
    SplittableRandom random = new SplittableRandom(9);
    for (int document = 0; document < 30; document++) {
      for (int i = 0; i < 300 + document; i++) {
        text.putShort((short) (document % 6 == 0 ? 4 + random.nextInt(90) : 7));
      }
      text.putShort((short) 3);
    }
    Files.write(folder.resolve("text.bin"), Arrays.copyOf(text.array(), text.position()));
    OptimizerConfig config = DeviceTraining.optimizer(OptimizerConfig.of(Optimizer.ADAM));
    List<List<Boolean>> undefined = new ArrayList<>();
    for (Device each : List.of(Device.cpu(), device(Precision.FP32))) {
      Path out = folder.resolve(each.name());
      DeviceTraining.wholeRun(each, out, folder, config, "layers.0");
      undefined.add(
          DeviceTraining.lines(out).stream().map(line -> line.get("fvu").isNull()).toList());
    }
    assertThat(undefined.get(0)).containsExactly(false, true, false, true, false);
    assertThat(undefined.get(1)).isEqualTo(undefined.get(0));
  }
}
