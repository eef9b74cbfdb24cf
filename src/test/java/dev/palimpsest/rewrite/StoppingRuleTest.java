package dev.palimpsest.rewrite;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.results.Interval;
import dev.palimpsest.results.RewriteConfig;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Looks are at set numbers of windows, whatever the batches are. */
class StoppingRuleTest {
  private static StoppingRule read(double halfWidth, int batch, int windows) {
    StoppingRule rule = new StoppingRule(RewriteConfig.allTokens().withUntilCi(halfWidth));
    int done = 0;
    while (done < windows) {
      done += Math.min(windows - done, rule.most(batch, done));
      rule.looksAt(done);
    }
    return rule;
  }

  @Test
  void looksAtDoublings() {
    for (int batch : new int[] {1, 5, 64, 100, 1000}) {
      assertThat(read(0.01, batch, 600).looks()).containsExactly(64, 128, 256, 512);
    }
  }

  @Test
  void doesNotLookUnasked() {
    assertThat(read(0, 7, 600).looks()).isEmpty();
    assertThat(new StoppingRule(RewriteConfig.allTokens()).most(500, 10)).isEqualTo(500);
  }

  @Test
  void isNarrowByHalfTheWidth() {
    StoppingRule rule = new StoppingRule(RewriteConfig.allTokens().withUntilCi(0.25));
    assertThat(rule.isNarrow(Optional.of(new Interval(1, 1.5)))).isTrue();
    assertThat(rule.isNarrow(Optional.of(new Interval(1, 1.51)))).isFalse();
    assertThat(rule.isNarrow(Optional.empty())).isFalse();
  }
}
