package dev.palimpsest.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What stands between two documents is the model's own mark, whatever its number. */
class SeparatorTest {
  @TempDir Path folder;

  @Test
  void documentsArePrecededByTheMarkThatWasNamed() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 400; i++) {
      lines.add("{\"text\": \"" + (20 + i) + " 11 12 13 14\"}");
    }
    Path file = Files.write(folder.resolve("a.jsonl"), lines);
    CorpusOptions options =
        CorpusOptions.defaults().withTokens(Optional.empty(), OptionalInt.of(7));
    Corpus corpus =
        Corpus.open(
            List.of(file.toString()), new WordEncoder(500), 3, folder.resolve("cache"), options);
    assertThat(corpus.separator()).isEqualTo(7);
    TokenWindows windows = corpus.windows(Split.TRAIN, 60);
    int marks = 0;
    for (long w = 0; w < windows.size(); w++) {
      int[] window = windows.read(w);
      for (int p = 0; p < window.length; p++) {
        assertThat(window[p]).isNotZero();
        // Documents have five tokens, so every sixth is the mark.
        assertThat(window[p] == 7).as("window %d, position %d", w, p).isEqualTo(p % 6 == 0);
        marks += window[p] == 7 ? 1 : 0;
      }
    }
    assertThat(marks).isGreaterThan(100);
  }
}
