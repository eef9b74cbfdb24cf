package dev.palimpsest.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.palimpsest.base.Json;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Precision;
import dev.palimpsest.tensor.TestDevices;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** That the benchmark measures two steps that do the same work, and reports what users read. */
class ShortBenchTest {
  private static final BenchShape SMALL = new BenchShape(24, 128, 4, 48, 1);

  @AfterEach
  void allThreadsAgain() {
    CoderKernels.cpu().setThreads(0);
  }

  @Test
  void eagerStepsTrainAsOursDo() {
    for (Device device : List.of(Device.cpu(), TestDevices.emulated(Precision.FP32))) {
      try (BenchProblem problem = BenchProblem.synthetic(SMALL, device)) {
        for (int step = 0; step < 5; step++) {
          double ours = problem.step();
          assertThat(problem.eagerStep()).isCloseTo(ours, within(1e-4 * ours));
        }
        double first = problem.step();
        double ours = problem.steps();
        problem.eagerStep();
        assertThat(ours).isLessThan(first);
        assertThat(problem.eagerSteps()).isCloseTo(ours, within(1e-4 * ours));
        problem.product();
        problem.encode();
        problem.decode();
      }
    }
  }

  @Test
  void reportsEveryPromisedNumber() {
    BenchReport report = ShortBench.synthetic(SMALL, Device.cpu()).run(2, done -> {});
    assertThat(report.encodeMs()).isPositive();
    assertThat(report.peakBytes()).isGreaterThan(report.neededBytes());
    assertThat(Json.line(report))
        .contains("\"shape\":{\"width\":24")
        .contains("\"sgemm_ms\"")
        .contains("\"encode_ms\"")
        .contains("\"encode_over_sgemm\"")
        .contains("\"step_ms\"")
        .contains("\"eager_step_ms\"")
        .contains("\"eager_over_step\"")
        .contains("\"tokens_per_second\"")
        .contains("\"peak_bytes\"")
        .contains("\"java_share\"");
  }

  /** Where nobody has to wait for a step, the bench waits for none but the last. */
  @Test
  void stepsOnAGpuAreTimedAsTheyAreQueued() {
    Device gpu = TestDevices.emulated(Precision.BF16);
    try (BenchProblem onCpu = BenchProblem.synthetic(SMALL, Device.cpu());
        BenchProblem onGpu = BenchProblem.synthetic(SMALL, gpu)) {
      assertThat(onCpu.together()).isEqualTo(1);
      assertThat(onGpu.together()).isGreaterThan(10);
    }
    BenchReport report = ShortBench.synthetic(SMALL, gpu).run(1, done -> {});
    assertThat(report.stepMs()).isPositive();
    assertThat(report.javaShare()).isPositive();
    assertThat(report.tokensPerSecond()).isPositive();
  }

  @Test
  void refusesImpossibleShapes() {
    assertThatThrownBy(() -> new BenchShape(8, 4, 5, 1, 1)).isInstanceOf(UsageException.class);
    assertThatThrownBy(() -> new BenchShape(8, 4, 0, 1, 1)).isInstanceOf(UsageException.class);
  }
}
