package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class ProgressLineTest {
  private static ProgressLine line() {
    ProgressLine line = new ProgressLine();
    line.show(List.of("7.12 windows/s", "0:34 left", "all 2:10", "112/352", "fvu 0.213"));
    return line;
  }

  @Test
  void whatMattersFitsAnOrdinaryTerminal() {
    String text = line().render("  9/34 measuring layers.0.mlp, all-tokens", 0.31, 80);
    assertThat(text).hasSizeLessThanOrEqualTo(80);
    assertThat(text).startsWith("  9/34 measuring").contains("…", " 31% ");
    assertThat(text).contains("7.12 windows/s, 0:34 left, all 2:10");
    assertThat(text.substring(text.indexOf('│') + 1, text.lastIndexOf('│')))
        .hasSizeGreaterThanOrEqualTo(8)
        .startsWith("██")
        .endsWith("    ");
  }

  @Test
  void aWideTerminalShowsAll() {
    String text = line().render("  9/34 measuring layers.0.mlp, all-tokens", 1, 160);
    assertThat(text)
        .contains("  9/34 measuring layers.0.mlp, all-tokens 100% │", "112/352, fvu 0.213")
        .hasSizeLessThanOrEqualTo(160);
  }

  @Test
  void aNarrowOneIsNeverOverrun() {
    for (int width = 0; width < 60; width++) {
      String text = line().render("  9/34 measuring layers.0.mlp", 0.5, width);
      assertThat(text.length()).isLessThanOrEqualTo(Math.max(width, 8));
    }
  }
}
