package dev.palimpsest.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Windows within documents, and the separator before every window, against the obvious way. */
class WindowKindsTest {
  private static final int TRIALS = 25;

  @TempDir Path folder;

  private List<int[]> documents(SplittableRandom random) {
    List<int[]> documents = new ArrayList<>();
    int longest = random.nextInt(3, 30);
    for (int i = 0; i < 150; i++) {
      documents.add(random.ints(random.nextInt(1, longest), 1, 1000).toArray());
    }
    return documents;
  }

  private Corpus open(List<int[]> documents, CorpusOptions options) throws IOException {
    String text =
        documents.stream()
            .map(d -> IntStream.of(d).mapToObj(String::valueOf).collect(Collectors.joining(" ")))
            .map(words -> "{\"text\": \"" + words + "\"}\n")
            .collect(Collectors.joining());
    Path file = Files.writeString(folder.resolve("documents.jsonl"), text);
    Path cache = folder.resolve("cache");
    return Corpus.open(List.of(file.toString()), new WordEncoder(1000), 5, cache, options);
  }

  private static List<int[]> train(List<int[]> documents) {
    return documents.stream()
        .filter(document -> Split.of(ContentHash.of(document), 5) == Split.TRAIN)
        .toList();
  }

  private static List<int[]> read(TokenWindows windows) {
    List<int[]> all = new ArrayList<>();
    for (long w = 0; w < windows.size(); w++) {
      all.add(windows.read(w));
    }
    return all;
  }

  private static int[] withMark(int[] tokens) {
    return IntStream.concat(IntStream.of(0), IntStream.of(tokens)).toArray();
  }

  @Test
  void withinDocuments() throws IOException {
    for (int trial = 0; trial < TRIALS; trial++) {
      SplittableRandom random = new SplittableRandom(trial);
      List<int[]> documents = documents(random);
      int length = random.nextInt(1, 4);
      List<int[]> expected = new ArrayList<>();
      List<Long> owners = new ArrayList<>();
      for (int[] document : train(documents)) {
        int[] marked = withMark(document);
        for (int from = 0; from + length <= marked.length; from += length) {
          expected.add(Arrays.copyOfRange(marked, from, from + length));
          owners.add(ContentHash.of(document));
        }
      }
      TokenWindows windows =
          open(documents, CorpusOptions.defaults().withWindows(false, true))
              .windows(Split.TRAIN, length);
      assertThat(read(windows)).as("trial %d", trial).containsExactlyElementsOf(expected);
      assertThat(IntStream.range(0, owners.size()).mapToLong(windows::document))
          .containsExactlyElementsOf(owners);
      assertThatThrownBy(() -> windows.read(windows.size()))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @Test
  void withinDocumentsEachWithTheMark() throws IOException {
    for (int trial = 0; trial < TRIALS; trial++) {
      SplittableRandom random = new SplittableRandom(trial);
      List<int[]> documents = documents(random);
      int length = random.nextInt(2, 5);
      List<int[]> expected = new ArrayList<>();
      for (int[] document : train(documents)) {
        for (int from = 0; from + length - 1 <= document.length; from += length - 1) {
          expected.add(withMark(Arrays.copyOfRange(document, from, from + length - 1)));
        }
      }
      TokenWindows windows =
          open(documents, CorpusOptions.defaults().withWindows(true, true))
              .windows(Split.TRAIN, length);
      assertThat(read(windows)).as("trial %d", trial).containsExactlyElementsOf(expected);
    }
  }

  @Test
  void packedEachWithTheMark() throws IOException {
    for (int trial = 0; trial < TRIALS; trial++) {
      SplittableRandom random = new SplittableRandom(trial);
      List<int[]> documents = documents(random);
      int length = random.nextInt(2, 9);
      int[] stream =
          train(documents).stream().flatMapToInt(d -> IntStream.of(withMark(d))).toArray();
      List<int[]> expected = new ArrayList<>();
      for (int from = 0; from + length <= stream.length; from += length - 1) {
        int[] slots = Arrays.copyOfRange(stream, from, from + length);
        expected.add(slots[0] == 0 ? slots : withMark(Arrays.copyOf(slots, length - 1)));
      }
      TokenWindows windows =
          open(documents, CorpusOptions.defaults().withWindows(true, false))
              .windows(Split.TRAIN, length);
      assertThat(read(windows)).as("trial %d", trial).containsExactlyElementsOf(expected);
      assertThat(expected).allMatch(window -> window[0] == 0 && window[1] != 0);
    }
  }

  @Test
  void whatCannotBeSaysSo() throws IOException {
    List<int[]> documents = documents(new SplittableRandom(1));
    Corpus marked = open(documents, CorpusOptions.defaults().withWindows(true, false));
    assertThatThrownBy(() -> marked.windows(Split.TRAIN, 1)).hasMessageContaining("at least 2");
    Corpus within = open(documents, CorpusOptions.defaults().withWindows(false, true));
    assertThatThrownBy(() -> within.windows(Split.TRAIN, 64))
        .hasMessageContaining("less than one window of 64 within a document");
    assertThat(within.fingerprint()).isNotEqualTo(marked.fingerprint());
  }
}
