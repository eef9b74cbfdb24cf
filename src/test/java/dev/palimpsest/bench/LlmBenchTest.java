package dev.palimpsest.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.palimpsest.model.ModelSource;
import dev.palimpsest.tensor.Precision;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(120)
class LlmBenchTest {
  @ParameterizedTest
  @EnumSource(Precision.class)
  void allIsMeasured(Precision precision) {
    List<Integer> heard = new ArrayList<>();
    LlmReport report =
        new LlmBench(
                ModelSource.resolve("embedded"), precision, new LlmBench.Sizes(40, 3, 30, 10, 5, 2))
            .run(2, heard::add);
    assertThat(heard).containsExactly(1, 2, 1, 2);
    assertThat(report.precision()).isEqualTo(precision.label());
    assertThat(report.threads()).isEqualTo(2);
    assertThat(
            List.of(
                report.prefillTokensPerSecond(),
                report.decodeTokensPerSecond(),
                report.batchDecodeTokensPerSecond(),
                report.questionsPerSecond(),
                report.unsharedQuestionsPerSecond(),
                report.productGflops(),
                report.shareOfPeak(),
                report.eagerPrefillTokensPerSecond(),
                report.prefillOverEager()))
        .allSatisfy(value -> assertThat(value).isPositive().isFinite());
    // The system counts in steps of ten milliseconds; this model is read in less.
    assertThat(report.prefillProcessorMs()).isNotNegative();
    assertThat(report.eagerPrefillProcessorMs()).isNotNegative();
    assertThat(report.prefillGflops())
        .isCloseTo(report.shareOfPeak() * report.productGflops(), withinPercentage(1e-6));
    assertThat(report.weightBytes()).isGreaterThan(1 << 20);
    assertThat(report.peakResidentBytes()).isGreaterThanOrEqualTo(report.residentBytes() / 2);
  }
}
