package dev.palimpsest.experiment;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.run.StageName;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Every stage counts in the time left of a whole run. */
final class ExpectedWorkTest {
  private static double of(StageName name, String stage, String... settings) {
    return new ExpectedWork(Experiments.builtIn("demo", List.of(settings)).config())
        .of(name, stage);
  }

  @Test
  void everyStageOfTheDemoIsCounted() {
    for (StageName name : StageName.values()) {
      assertThat(of(name, name.label() + ".layers.2.mlp.all-tokens")).as(name.label()).isPositive();
    }
  }

  @Test
  void moreReplacementsAreMoreWork() {
    String stage = "rewrite.layers.2.mlp.all-tokens";
    double one = of(StageName.REWRITE, stage, "rewrite.fractions=[1.0]");
    double two = of(StageName.REWRITE, stage, "rewrite.fractions=[0.5, 1.0]");
    assertThat(two).isGreaterThan(one);
    assertThat(of(StageName.REWRITE, stage, "rewrite.all_tokens.windows=0")).isZero();
    assertThat(of(StageName.EXPLAIN, "", "explain.explainer=http://localhost:1/v1")).isZero();
  }
}
