package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.run.RunLog.Planned;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The plain lines of the progress display, on a clock that the test moves. */
class ConsoleLogTest {
  private static final long SECOND = 1_000_000_000L;

  private final StringWriter err = new StringWriter();
  private final long[] now = {5};

  private ConsoleLog log(boolean quiet) {
    return new ConsoleLog(new PrintWriter(err), quiet, false, () -> now[0]);
  }

  private void pass(double seconds) {
    now[0] += (long) (seconds * SECOND);
  }

  @Test
  void aLineSaysStageShareSpeedAndTimesLeft() {
    ConsoleLog log = log(false);
    log.planned(
        List.of(new Planned("train", 30), new Planned("cache", 10), new Planned("rewrite", 20)));
    log.skipped("train", 40);
    log.started("cache");
    log.advanced("caching", "tokens", 1000, 5000);
    pass(20);
    log.advanced("caching", "tokens", 2000, 5000, "fvu 0.25");
    // 50 tokens a second from 1000 on; a fifth of this stage's work of 10 took 20 s, so the 20 of
    // the last take 200 s.
    assertThat(err.toString().lines())
        .containsExactly(
            "✓ train (done before, 40.0 s)",
            "▸ cache (stage 2 of 3)",
            "  stage 2 of 3, caching: 2,000 of 5,000 tokens (40 %), 50 tokens/s, 0:01:00 left,"
                + " about 0:04:20 for all stages, fvu 0.25");
  }

  @Test
  void workWithoutStagesHasAPaceToo() {
    ConsoleLog log = log(false);
    log.advanced("encoding", "rows", 0, 40);
    pass(10);
    log.advanced("encoding", "rows", 5, 40);
    pass(5);
    log.advanced("encoding", "rows", 8, 40);
    assertThat(err.toString().lines())
        .containsExactly("  encoding: 5 of 40 rows (13 %), 0.50 rows/s, 0:01:10 left");
  }

  @Test
  void quietIsSilent() {
    ConsoleLog log = log(true);
    log.device("cpu");
    log.started("cache");
    log.advanced("caching", "tokens", 0, 10);
    pass(60);
    log.advanced("caching", "tokens", 10, 10);
    log.says("anything");
    log.finished("cache", 60);
    assertThat(err.toString()).isEmpty();
  }

  @Test
  void whatWasFollowedIsFollowedToItsEnd() {
    ConsoleLog log = log(false);
    log.advanced("encoding", "rows", 0, 40);
    pass(10);
    log.advanced("encoding", "rows", 20, 40);
    pass(9);
    log.advanced("encoding", "rows", 40, 40);
    log.advanced("sorting", "rows", 0, 2);
    pass(1);
    log.advanced("sorting", "rows", 2, 2);
    assertThat(err.toString().lines())
        .containsExactly(
            "  encoding: 20 of 40 rows (50 %), 2.00 rows/s, 0:00:10 left",
            "  encoding: 40 of 40 rows (100 %), 2.11 rows/s, done in 0:00:19");
  }

  @Test
  void noTotalIsSaidWhileAStageToComeCannotBeJudged() {
    ConsoleLog log = log(false);
    log.planned(
        List.of(new Planned("train", 10), new Planned("explain", 0), new Planned("report", 10)));
    log.started("train");
    log.advanced("training", "steps", 0, 10);
    pass(10);
    log.advanced("training", "steps", 5, 10);
    log.finished("train", 20);
    assertThat(err.toString()).contains("0:00:10 left").doesNotContain("all stages");
    log.started("explain");
    log.advanced("explaining", "latents", 0, 10);
    pass(10);
    log.advanced("explaining", "latents", 5, 10);
    // 10 s of this one, and 10 units, of which 10 took the 20 s of training and 10 s so far.
    assertThat(err.toString()).contains("about 0:00:40 for all stages");
  }

  @Test
  void withoutExpectedWorkNoTotalIsGuessed() {
    ConsoleLog log = log(false);
    log.planned(List.of(new Planned("cache", 0), new Planned("rewrite", 0)));
    log.started("cache");
    log.advanced("caching", "tokens", 0, 10);
    pass(10);
    log.advanced("caching", "tokens", 5, 10);
    assertThat(err.toString()).contains("0:00:10 left").doesNotContain("all stages");
  }
}
