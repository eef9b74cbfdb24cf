package dev.palimpsest.rewrite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a journal keeps, and what it makes of a file that is not its own or not whole. */
class LossJournalTest {
  private static final int VARIANTS = 3;

  @TempDir Path folder;

  private final List<String> said = new ArrayList<>();

  private final Progress progress =
      new Progress() {
        @Override
        public void advanced(String what, String unit, long done, long total, String note) {}

        @Override
        public void says(String line) {
          said.add(line);
        }
      };

  private static BatchLosses batch(long first) {
    BatchLosses losses = new BatchLosses(VARIANTS, new long[] {first, first + 1}, new int[] {5, 7});
    for (int v = 0; v < VARIANTS; v++) {
      losses.add(v, 0, first + v / 3.0, 0.1 * v);
      losses.add(v, 1, v == 2 ? Double.NaN : 1e-300 * v, Double.POSITIVE_INFINITY);
    }
    return losses;
  }

  private Path written() {
    Path file = folder.resolve("deep/losses.partial");
    try (LossJournal journal = LossJournal.open(file, "this", progress)) {
      assertThat(journal.next(List.of(4L, 5L), VARIANTS)).isEmpty();
      journal.append(batch(4));
      journal.append(batch(8));
    }
    assertThat(said).isEmpty();
    return file;
  }

  private static void assertSame(Optional<BatchLosses> found, BatchLosses expected) {
    assertThat(found).isPresent();
    BatchLosses losses = found.orElseThrow();
    assertThat(losses.windows()).isEqualTo(expected.windows());
    assertThat(losses.tokens()).isEqualTo(expected.tokens());
    assertThat(Arrays.deepToString(losses.crossEntropy()))
        .isEqualTo(Arrays.deepToString(expected.crossEntropy()));
    assertThat(Arrays.deepToString(losses.divergence()))
        .isEqualTo(Arrays.deepToString(expected.divergence()));
  }

  @Test
  void goesOnWithTheVeryNumbers() throws IOException {
    Path file = written();
    try (LossJournal journal = LossJournal.open(file, "this", progress)) {
      assertSame(journal.next(List.of(4L, 5L), VARIANTS), batch(4));
      assertSame(journal.next(List.of(8L, 9L), VARIANTS), batch(8));
      assertThat(journal.next(List.of(10L, 11L), VARIANTS)).isEmpty();
      journal.append(batch(10));
    }
    try (LossJournal journal = LossJournal.open(file, "this", progress)) {
      journal.next(List.of(4L, 5L), VARIANTS);
      journal.next(List.of(8L, 9L), VARIANTS);
      assertSame(journal.next(List.of(10L, 11L), VARIANTS), batch(10));
      journal.delete();
    }
    assertThat(file).doesNotExist();
    assertThat(said).isEmpty();
  }

  @Test
  void losesOnlyWhatIsBehindADamage() throws IOException {
    byte[] whole = Files.readAllBytes(written());
    int records = 0;
    for (int at = 0; at < whole.length; at++) {
      said.clear();
      byte[] flipped = whole.clone();
      flipped[at] ^= 0x10;
      Path file = folder.resolve("flipped");
      Files.write(file, flipped);
      try (LossJournal journal = LossJournal.open(file, "this", progress)) {
        assertThat(said).as("byte %d", at).hasSize(1);
        Optional<BatchLosses> first = journal.next(List.of(4L, 5L), VARIANTS);
        if (first.isPresent()) {
          assertSame(first, batch(4));
          assertThat(said.get(0)).contains("damaged after 1 batches");
          assertThat(journal.next(List.of(8L, 9L), VARIANTS)).isEmpty();
          records++;
        }
      }
    }
    assertThat(records).isPositive();
  }

  @Test
  void goesOnBehindWhatWasCutOff() throws IOException {
    byte[] whole = Files.readAllBytes(written());
    Path file = folder.resolve("cut");
    Files.write(file, Arrays.copyOf(whole, whole.length - 3));
    try (LossJournal journal = LossJournal.open(file, "this", progress)) {
      assertSame(journal.next(List.of(4L, 5L), VARIANTS), batch(4));
      assertThat(journal.next(List.of(8L, 9L), VARIANTS)).isEmpty();
      journal.append(batch(8));
    }
    assertThat(Files.readAllBytes(file)).isEqualTo(whole);
  }

  @Test
  void usesNothingOfOtherInputs() {
    Path file = written();
    try (LossJournal journal = LossJournal.open(file, "that", progress)) {
      assertThat(journal.next(List.of(4L, 5L), VARIANTS)).isEmpty();
    }
    assertThat(said).hasSize(1);
    assertThat(said.get(0)).contains("of other settings or inputs");
  }

  @Test
  void refusesOtherWindowsThanTheSettingsName() {
    Path file = written();
    try (LossJournal journal = LossJournal.open(file, "this", progress)) {
      assertThatThrownBy(() -> journal.next(List.of(4L, 6L), VARIANTS))
          .isInstanceOf(PalimpsestException.class)
          .hasMessageContaining("other windows");
    }
  }
}
