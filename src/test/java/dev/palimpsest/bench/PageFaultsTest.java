package dev.palimpsest.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

/** Memory that is touched for the first time is counted. */
class PageFaultsTest {
  private static final int BYTES = 128 << 20;

  /** Should the system give out large pages. */
  private static final int LARGEST_PAGE = 2 << 20;

  @Test
  void freshPagesAreCounted() {
    long before = PageFaults.soFar();
    ByteBuffer zeroed = ByteBuffer.allocateDirect(BYTES);
    long after = PageFaults.soFar();
    assertThat(after - before).isGreaterThanOrEqualTo(zeroed.capacity() / LARGEST_PAGE / 2);
  }

  @Test
  void theNameOfTheProcessMayHoldAnything() {
    assertThat(PageFaults.parse("12 (a) b (c) S 1 2 3 4 5 6 789 8 9")).isEqualTo(789);
  }
}
