package dev.palimpsest.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.CoderKernels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What must hold of whole training runs, whatever the coder, the optimiser and the data. */
class CoderTrainerPropertyTest {
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

  static LongStream seeds() {
    return LongStream.rangeClosed(1, 24);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void theFusedUpdateHasTheBitsOfTheSeparateOne(long seed) {
    try (RandomTask task = new RandomTask(seed)) {
      System.out.println(task);
      assertThat(task.train(task.optimizer.unfused())).isEqualTo(task.train(task.optimizer));
    }
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void theNumberOfThreadsDoesNotMatter(long seed) {
    CoderKernels kernels = CoderKernels.cpu();
    try (RandomTask task = new RandomTask(seed)) {
      float[] alone = task.train(task.optimizer);
      kernels.setThreads(3);
      assertThat(task.train(task.optimizer)).as(task.toString()).isEqualTo(alone);
    } finally {
      kernels.setThreads(1);
    }
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void aRunInPiecesEndsLikeAWholeOne(long seed) throws IOException {
    try (RandomTask task = new RandomTask(seed)) {
      float[] whole = task.train(task.optimizer);
      Path state = folder.resolve("state.safetensors");
      Path again = folder.resolve("again.safetensors");
      double dead = 0;
      long[] counts = {};
      for (int t = 0; t < task.steps; t++) {
        try (SparseCoder coder = SparseCoder.initialise(task.config, 999);
            CoderTrainer trainer = new CoderTrainer(coder, task.optimizer, task.steps)) {
          if (t > 0) {
            trainer.readState(state);
            assertThat(trainer.stepsDone()).isEqualTo(t);
            assertThat(trainer.tokens()).isEqualTo((long) t * task.rows);
            assertThat(trainer.firedCounts()).isEqualTo(counts);
            assertThat(trainer.deadFraction()).isEqualTo(dead);
            trainer.writeState(again);
            assertThat(Files.readAllBytes(again)).isEqualTo(Files.readAllBytes(state));
          } else {
            try (SparseCoder fresh = task.coder()) {
              coder.parameters().copyFrom(fresh.parameters());
            }
            trainer.initialiseFromFirstBatch(task.x(0), task.y(0), task.rows);
          }
          trainer.step(task.x(t), task.y(t), task.rows);
          trainer.writeState(state);
          dead = trainer.deadFraction();
          counts = trainer.firedCounts();
          if (t + 1 == task.steps) {
            assertThat(RandomTask.weights(trainer)).as(task.toString()).isEqualTo(whole);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void theLossFalls(long seed) {
    try (RandomTask task = new RandomTask(seed);
        SparseCoder coder = task.coder();
        CoderTrainer trainer =
            new CoderTrainer(
                coder, OptimizerConfig.of(Optimizer.ADAM).withLearningRate(3e-3), 60)) {
      trainer.initialiseFromFirstBatch(task.x(0), task.y(0), task.rows);
      double first = trainer.step(task.x(0), task.y(0), task.rows).fvu().orElse(0);
      double last = first;
      for (int t = 1; t < 60; t++) {
        last = trainer.step(task.x(0), task.y(0), task.rows).fvu().orElse(0);
      }
      if (task.rows > 1) {
        assertThat(last).as(task.toString()).isLessThan(first);
      }
    }
  }
}
