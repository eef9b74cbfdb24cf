package dev.palimpsest.lexical;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class TokenWeightsTest {
  private static final int ROWS = 50;
  private static final int WIDTH = 20;

  /** Token 2 follows token 1 always; anything from 5 on follows token 3. 0 does not count. */
  private static TokenRows text(int boundary) {
    int[] tokens = new int[ROWS * WIDTH];
    for (int at = 0; at < tokens.length; at += 5) {
      tokens[at] = boundary;
      tokens[at + 1] = 1;
      tokens[at + 2] = 2;
      tokens[at + 3] = 3;
      tokens[at + 4] = 5 + at / 5;
    }
    return new TokenRows(WIDTH, tokens, new int[] {0});
  }

  @Test
  void whatIsCertainToFollowMattersLess() {
    float[] weights = TokenWeights.of(text(0));
    assertThat(weights[3]).isGreaterThan(3 * weights[1]);
    assertThat(weights[1]).isPositive().isEqualTo(weights[6]);
  }

  @Test
  void tokensThatDoNotCountWeighNothingAndTheOthersOneOnAverage() {
    TokenRows text = text(0);
    float[] weights = TokenWeights.of(text);
    double sum = 0;
    int counted = 0;
    for (int at = 0; at < weights.length; at++) {
      if (text.counts(text.tokens()[at])) {
        sum += weights[at];
        counted++;
      } else {
        assertThat(weights[at]).isZero();
      }
    }
    assertThat(sum / counted).isCloseTo(1, within(1e-4));
  }

  /** The first token of a row does not follow the last of the row before. */
  @Test
  void rowsAreApart() {
    int[] tokens = new int[ROWS * WIDTH];
    for (int at = 0; at < tokens.length; at++) {
      boolean last = at % WIDTH == WIDTH - 1;
      tokens[at] = last ? 1 : at % WIDTH == 0 ? 2 : 3 + at % 17 + at / WIDTH;
    }
    float[] weights = TokenWeights.of(new TokenRows(WIDTH, tokens, new int[0]));
    assertThat(weights[WIDTH - 1])
        .as("nothing is known to follow it, so it weighs as what anything may follow")
        .isGreaterThan(0.95f);
  }

  @Test
  void ofNoCountingTokensNothingWeighs() {
    TokenRows text = new TokenRows(2, new int[] {0, 0, 0, 0}, new int[] {0});
    assertThat(TokenWeights.of(text)).containsOnly(0f);
  }
}
