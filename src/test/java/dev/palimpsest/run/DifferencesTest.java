package dev.palimpsest.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

final class DifferencesTest {
  @Test
  void manyAreCountedNotTold() {
    assertThat(Differences.some(List.of("a"))).isEqualTo("a");
    assertThat(Differences.some(List.of("a", "b", "c", "d"))).isEqualTo("a; b; c; d");
    assertThat(Differences.some(List.of("a", "b", "c", "d", "e"))).isEqualTo("a; b; c; and 2 more");
  }
}
