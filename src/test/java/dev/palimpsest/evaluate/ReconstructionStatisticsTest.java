package dev.palimpsest.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.kernels.HostMemory;
import java.util.Arrays;
import java.util.Random;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ReconstructionStatisticsTest {
  private static final int WIDTH = 3;
  private static final int BATCH = 40;
  private static final int BATCHES = 25;

  /** Against two passes in double precision, however far the targets lie from 0. */
  @ParameterizedTest
  @CsvSource({"0, 1", "1000, 0.001", "-1e6, 0.5", "1e30, 1e25", "1e-20, 1e-24"})
  void theVarianceDoesNotCancel(float middle, float spread) {
    Random random = new Random(7);
    float[] targets = new float[BATCHES * BATCH * WIDTH];
    float[] outputs = new float[targets.length];
    for (int i = 0; i < targets.length; i++) {
      targets[i] = middle + spread * (float) random.nextGaussian();
      outputs[i] = targets[i] + spread * 0.5f * (float) random.nextGaussian();
    }
    ReconstructionStatistics statistics =
        new ReconstructionStatistics(HostMemory.INSTANCE, WIDTH, 8);
    try (SparseActivations none = new SparseActivations(BATCH, 1)) {
      none.values().put(new float[BATCH]);
      none.indices().put(new int[BATCH]);
      for (int batch = 0; batch < BATCHES; batch++) {
        int from = batch * BATCH * WIDTH;
        int to = from + BATCH * WIDTH;
        try (FloatPointer y = new FloatPointer(Arrays.copyOfRange(targets, from, to));
            FloatPointer guess = new FloatPointer(Arrays.copyOfRange(outputs, from, to))) {
          statistics.add(y, guess, none, BATCH);
        }
      }
    }
    double expected = fvu(targets, outputs);
    assertThat(statistics.fvu()).isCloseTo(expected, within(1e-10 * expected));
  }

  private static double fvu(float[] targets, float[] outputs) {
    int rows = targets.length / WIDTH;
    double residual = 0;
    double total = 0;
    for (int column = 0; column < WIDTH; column++) {
      double offset = targets[column];
      double sum = 0;
      for (int row = 0; row < rows; row++) {
        sum += targets[row * WIDTH + column] - offset;
      }
      for (int row = 0; row < rows; row++) {
        double target = targets[row * WIDTH + column];
        double difference = target - outputs[row * WIDTH + column];
        double around = target - offset - sum / rows;
        residual += difference * difference;
        total += around * around;
      }
    }
    return residual / total;
  }
}
