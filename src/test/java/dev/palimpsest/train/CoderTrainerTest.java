package dev.palimpsest.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.sun.management.ThreadMXBean;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.Activation;
import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.kernels.NativeArrays;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Arrays;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CoderTrainerTest {
  private static final OptimizerConfig ADAM =
      OptimizerConfig.of(Optimizer.ADAM).withLearningRate(1e-2).withWarmupSteps(0);

  private static int threads;

  @TempDir private Path folder;

  /** Batches this small are not worth the threads' waiting for each other. */
  @BeforeAll
  static void useOneThread() {
    threads = CoderKernels.cpu().threads();
    CoderKernels.cpu().setThreads(1);
  }

  @AfterAll
  static void useAllThreads() {
    CoderKernels.cpu().setThreads(threads);
  }

  @Test
  void theLastStepLeavesTheDecoderAsTheUpdateMadeIt() {
    try (GoldenRun run = new GoldenRun("sae_adam");
        SparseCoder coder = run.initialCoder();
        CoderTrainer trainer = new CoderTrainer(coder, ADAM, 2)) {
      trainer.step(run.x(0), run.y(0), run.batch);
      assertThat(largestDistanceFromUnitNorm(coder)).isLessThan(1e-6);
      trainer.step(run.x(1), run.y(1), run.batch);
      assertThat(largestDistanceFromUnitNorm(coder)).isGreaterThan(1e-5);
      assertThatThrownBy(() -> trainer.step(run.x(2), run.y(2), run.batch))
          .hasMessageContaining("2 steps");
    }
  }

  @Test
  void aFrozenEncoderStaysWhileTheRestLearns() {
    try (GoldenRun run = new GoldenRun("skip_transcoder_adam");
        SparseCoder coder = run.initialCoder();
        SparseCoder free = run.initialCoder();
        CoderTrainer frozen = new CoderTrainer(coder, ADAM.withFrozenEncoder(), 6);
        CoderTrainer usual = new CoderTrainer(free, ADAM, 6)) {
      float[] encoder = new float[coder.config().numLatents() * coder.config().width()];
      float[] before = encoder.clone();
      float[] bias = new float[coder.config().numLatents()];
      float[] biasBefore = bias.clone();
      coder.encoder().get(before);
      coder.encoderBias().get(biasBefore);
      float[] decoderBefore = coder.decoderRow(0);
      double first = frozen.step(run.x(0), run.y(0), run.batch).fvu().orElseThrow();
      usual.step(run.x(0), run.y(0), run.batch);
      for (int t = 1; t < 6; t++) {
        frozen.step(run.x(0), run.y(0), run.batch);
        usual.step(run.x(0), run.y(0), run.batch);
      }
      coder.encoder().get(encoder);
      coder.encoderBias().get(bias);
      assertThat(Arrays.equals(encoder, before)).isTrue();
      assertThat(bias).isEqualTo(biasBefore);
      assertThat(coder.decoderRow(0)).isNotEqualTo(decoderBefore);
      free.encoder().get(encoder);
      assertThat(Arrays.equals(encoder, before)).isFalse();
      try (CoderTrainer more = new CoderTrainer(coder, ADAM.withFrozenEncoder(), 1)) {
        assertThat(more.step(run.x(0), run.y(0), run.batch).fvu().orElseThrow()).isLessThan(first);
      }
    }
    assertThatThrownBy(() -> OptimizerConfig.of(Optimizer.SIGNUM).withFrozenEncoder())
        .hasMessageContaining("train.freeze_encoder");
  }

  private static double largestDistanceFromUnitNorm(SparseCoder coder) {
    double largest = 0;
    for (int latent = 0; latent < coder.config().numLatents(); latent++) {
      double norm = 0;
      for (float weight : coder.decoderRow(latent)) {
        norm += weight * weight;
      }
      largest = Math.max(largest, Math.abs(Math.sqrt(norm) - 1));
    }
    return largest;
  }

  @Test
  void accumulatedBatchesUpdateByTheirMeanGradient() {
    try (GoldenRun run = new GoldenRun("skip_transcoder_adam");
        SparseCoder twice = run.initialCoder();
        SparseCoder once = run.initialCoder();
        CoderTrainer accumulating = new CoderTrainer(twice, ADAM.withAccumulationSteps(2), 3);
        CoderTrainer plain = new CoderTrainer(once, ADAM, 3)) {
      for (int t = 0; t < 3; t++) {
        StepStats half = accumulating.step(run.x(t), run.y(t), run.batch);
        assertThat(half.step()).isEqualTo(t);
        StepStats whole = accumulating.step(run.x(t), run.y(t), run.batch);
        assertThat(whole.step()).isEqualTo(t + 1);
        assertThat(whole.fvu()).isEqualTo(half.fvu());
        plain.step(run.x(t), run.y(t), run.batch);
      }
      assertThat(
              GoldenRun.largestError(RandomTask.weights(accumulating), RandomTask.weights(plain)))
          .isLessThan(2e-3);
      float[] same = RandomTask.weights(accumulating);
      float[] other = RandomTask.weights(plain);
      int differing = 0;
      for (int i = 0; i < same.length; i++) {
        differing += Math.abs(same[i] - other[i]) > 1e-6 ? 1 : 0;
      }
      assertThat(differing / (double) same.length).isLessThan(0.01);
    }
  }

  @Test
  void latentsThatDoNotFireForLongAreDead() {
    CoderConfig config = CoderConfig.autoencoder(2, 4, 1).withActivation(Activation.TOPK);
    try (SparseCoder coder = SparseCoder.initialise(config, 3);
        NativeArrays memory = new NativeArrays();
        CoderTrainer trainer =
            new CoderTrainer(coder, ADAM.withLearningRate(0).withDeadAfterTokens(10), 100)) {
      coder.encoder().put(1, 0, -1, 0, 0, 1, 0, -1);
      FloatPointer batch = memory.floats(2 * 4);
      batch.put(2, 0, -2, 0, 0, 2, 0, -2);
      StepStats all = trainer.step(batch, batch, 4);
      assertThat(all.deadFraction()).isZero();
      assertThat(all.l0()).hasValue(1);
      assertThat(all.tokens()).isEqualTo(4);
      batch.put(2, 0, -2, 0, 3, 0, -3, 0);
      for (int tokens = 8; tokens <= 12; tokens += 4) {
        assertThat(trainer.step(batch, batch, 4).deadFraction()).as("%d tokens", tokens).isZero();
      }
      assertThat(trainer.step(batch, batch, 4).deadFraction()).isEqualTo(0.5);
      assertThat(trainer.firedCounts()).containsExactly(7, 7, 1, 1);
    }
  }

  @Test
  void inAShortRunDeadMeansNeverFired() {
    CoderConfig config = CoderConfig.autoencoder(2, 4, 1);
    try (SparseCoder coder = SparseCoder.initialise(config, 3);
        NativeArrays memory = new NativeArrays();
        CoderTrainer trainer = new CoderTrainer(coder, ADAM.withLearningRate(0), 100)) {
      coder.encoder().put(1, 0, -1, 0, 0, 1, 0, -1);
      FloatPointer batch = memory.floats(2 * 2);
      batch.put(2, 0, -2, 0);
      assertThat(trainer.deadFraction()).isZero();
      assertThat(trainer.step(batch, batch, 2).deadFraction()).isEqualTo(0.5);
    }
  }

  @ParameterizedTest
  @EnumSource(Optimizer.class)
  void stepsAllocateNothing(Optimizer optimizer) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long thread = Thread.currentThread().getId();
    try (GoldenRun run = new GoldenRun("skip_transcoder_adam");
        SparseCoder coder = run.initialCoder();
        CoderTrainer trainer = new CoderTrainer(coder, OptimizerConfig.of(optimizer), 1000)) {
      trainer.reserve(run.batch);
      for (int t = 0; t < 500; t++) {
        trainer.step(run.x(t % run.steps), run.y(t % run.steps), run.batch);
      }
      FloatPointer x = run.x(0);
      FloatPointer y = run.y(0);
      long nativeBytes = Pointer.totalBytes();
      long heldBytes = trainer.totalBytes() + coder.workspace().bytes();
      long heapBytes = threads.getThreadAllocatedBytes(thread);
      int steps = 400;
      for (int t = 0; t < steps; t++) {
        trainer.step(x, y, run.batch - t % 3);
      }
      long perStep = (threads.getThreadAllocatedBytes(thread) - heapBytes) / steps;
      assertThat(Pointer.totalBytes()).isEqualTo(nativeBytes);
      assertThat(trainer.totalBytes() + coder.workspace().bytes()).isEqualTo(heldBytes);
      // A few small objects (the statistics, arguments of calls), whatever the sizes of coder and
      // batch.
      assertThat(perStep).isLessThan(2048);
    }
  }

  @Test
  void stateOfAnotherCoderOrOptimizerIsRefused() {
    Path state = folder.resolve("state.safetensors");
    try (SparseCoder small = SparseCoder.initialise(CoderConfig.autoencoder(4, 8, 2), 1);
        SparseCoder large = SparseCoder.initialise(CoderConfig.autoencoder(4, 9, 2), 1);
        CoderTrainer adam = new CoderTrainer(small, ADAM, 5);
        CoderTrainer signum = new CoderTrainer(small, OptimizerConfig.of(Optimizer.SIGNUM), 5);
        CoderTrainer other = new CoderTrainer(large, ADAM, 5)) {
      adam.writeState(state);
      assertThatThrownBy(() -> signum.readState(state))
          .isInstanceOf(PalimpsestException.class)
          .hasMessageContainingAll("state.safetensors", "adam", "signum");
      assertThatThrownBy(() -> other.readState(state))
          .isInstanceOf(PalimpsestException.class)
          .hasMessageContainingAll("state.safetensors", "[8, 4]", "[9, 4]");
      new SafeTensorsWriter().sealed().add("a", new long[] {1}, new float[1]).write(state);
      assertThatThrownBy(() -> adam.readState(state))
          .isInstanceOf(PalimpsestException.class)
          .hasMessageContaining("optimizer");
    }
  }

  @Test
  void multiTopkIsRefused() {
    CoderConfig config = new CoderConfig(Activation.TOPK, 4, 8, 2, 2, true, true, false, false);
    try (SparseCoder coder = SparseCoder.initialise(config, 1)) {
      assertThatThrownBy(() -> new CoderTrainer(coder, ADAM, 5))
          .isInstanceOf(UsageException.class)
          .hasMessageContaining("multi_topk");
    }
  }

  @Test
  void constantTargetsGiveNoGradient() {
    try (SparseCoder coder = SparseCoder.initialise(CoderConfig.transcoder(3, 5, 2, true), 1);
        NativeArrays memory = new NativeArrays();
        CoderTrainer trainer = new CoderTrainer(coder, ADAM, 5)) {
      FloatPointer x = memory.floats(6);
      x.put(1, 2, 3, 4, 5, 6);
      float[] before = RandomTask.weights(coder.parameters());
      StepStats stats = trainer.step(x, memory.floats(6), 2);
      assertThat(stats.fvu()).isEmpty();
      assertThat(RandomTask.weights(coder.parameters())).isEqualTo(before);
      assertThat(stats.l0().orElseThrow()).isCloseTo(1, within(1.0));
    }
  }
}
