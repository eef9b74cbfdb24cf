package dev.palimpsest.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.palimpsest.base.UsageException;
import org.junit.jupiter.api.Test;

class LearningRateTest {
  @Test
  void adamWarmsUpFromZeroAndDecaysTowardsZero() {
    LearningRate rate =
        LearningRate.of(
            OptimizerConfig.of(Optimizer.ADAM).withLearningRate(1e-3).withWarmupSteps(5), 256, 24);
    assertThat(rate.at(0)).isZero();
    for (int t = 0; t < 24; t++) {
      assertThat(rate.at(t))
          .isCloseTo(1e-3 * Math.min(t / 5.0, (24.0 - t) / (24.0 - 5)), within(1e-12));
    }
    assertThat(rate.at(24)).isZero();
  }

  @Test
  void warmupIsATenthOfTheRunAtMostAThousandSteps() {
    OptimizerConfig adam = OptimizerConfig.of(Optimizer.ADAM);
    assertThat(LearningRate.of(adam, 1, 5).at(0)).isPositive();
    assertThat(LearningRate.of(adam, 1, 200)).extracting("warmup").isEqualTo(20L);
    assertThat(LearningRate.of(adam, 1, 1_000_000)).extracting("warmup").isEqualTo(1000L);
    LearningRate onlyWarmup = LearningRate.of(adam.withLearningRate(1).withWarmupSteps(9), 1, 4);
    assertThat(onlyWarmup.at(3)).isCloseTo(3 / 9.0, within(1e-12));
  }

  @Test
  void automaticRatesFollowTheNumberOfLatents() {
    assertThat(LearningRate.automatic(Optimizer.ADAM, 1 << 14)).isEqualTo(2e-4);
    assertThat(LearningRate.automatic(Optimizer.ADAM, 32_768)).isCloseTo(1.41e-4, within(1e-6));
    assertThat(LearningRate.automatic(Optimizer.SIGNUM, 1 << 16)).isEqualTo(2.5e-3);
    LearningRate signum = LearningRate.of(OptimizerConfig.of(Optimizer.SIGNUM), 1 << 14, 100);
    assertThat(signum.at(0)).isEqualTo(5e-3).isEqualTo(signum.at(99));
  }

  @Test
  void optionsOutOfRangeAreNamed() {
    OptimizerConfig adam = OptimizerConfig.of(Optimizer.ADAM);
    assertThatThrownBy(() -> adam.withLearningRate(Double.NaN))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("learning rate");
    assertThatThrownBy(() -> adam.withWarmupSteps(-1)).hasMessageContaining("warm-up");
    assertThatThrownBy(() -> adam.withAccumulationSteps(0)).hasMessageContaining("accumulation");
    assertThatThrownBy(() -> Optimizer.of("sgd")).hasMessageContaining("'sgd'");
    assertThat(adam.fused()).isTrue();
    assertThat(adam.withAccumulationSteps(2).fused()).isFalse();
  }
}
