package dev.palimpsest.report;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MarkdownTest {
  @Test
  void textOfAnyOriginStaysText() {
    assertThat(Markdown.text("a|b *c* _d_ `e` <script> &lt; [x](y) \u001b[31m"))
        .isEqualTo("a\\|b \\*c\\* \\_d\\_ \\`e\\` &lt;script> &amp;lt; [x]\\(y) \u241b[31m");
  }
}
