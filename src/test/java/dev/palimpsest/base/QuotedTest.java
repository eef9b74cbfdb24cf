package dev.palimpsest.base;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Values in messages: short, one line, harmless. */
class QuotedTest {
  @Test
  void showsShortValuesAsTheyAre() {
    assertThat(Quoted.of("layers.2.mlp")).isEqualTo("layers.2.mlp");
    assertThat(Quoted.of("東京 🙂 é")).isEqualTo("東京 🙂 é");
    assertThat(Quoted.of("x".repeat(100))).isEqualTo("x".repeat(100));
    assertThat(Quoted.of("")).isEmpty();
    assertThat(Quoted.of(5.5)).isEqualTo("5.5");
  }

  @Test
  void cutsLongOnesAndSaysHowLongTheyWere() {
    assertThat(Quoted.of("y".repeat(600_000)))
        .isEqualTo("y".repeat(100) + "… (600,000 characters)");
    assertThat(Quoted.of("\0".repeat(600_000)))
        .hasSizeLessThan(130)
        .startsWith("\\u0000\\u0000")
        .endsWith("… (600,000 characters)");
  }

  @Test
  void escapesWhatATerminalWouldObey() {
    assertThat(Quoted.of("\u001b[31mred\u0007\n\r\t\u202e\u2028\ud800"))
        .isEqualTo("\\u001b[31mred\\u0007\\n\\u000d\\t\\u202e\\u2028\\ud800");
  }

  @Test
  void neverCutsACharacterInTwo() {
    assertThat(Quoted.of("x".repeat(99) + "🙂".repeat(10)))
        .isEqualTo("x".repeat(99) + "… (119 characters)");
  }
}
