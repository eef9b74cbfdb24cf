package dev.palimpsest.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.palimpsest.model.ModelSource;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Packing and splits, by property: random documents, every format, compared with the obvious way on
 * arrays.
 */
class CorpusTest {
  private static final int VOCABULARY = 5000;

  @TempDir Path folder;

  private Corpus open(long seed, Path... files) {
    return open(seed, CorpusOptions.defaults(), files);
  }

  private Corpus open(long seed, CorpusOptions options, Path... files) {
    List<String> names = Arrays.stream(files).map(Path::toString).toList();
    return Corpus.open(names, new WordEncoder(VOCABULARY), seed, folder.resolve("cache"), options);
  }

  private static List<int[]> randomDocuments(SplittableRandom random, int count, int longest) {
    List<int[]> documents = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      documents.add(random.ints(random.nextInt(1, longest), 1, VOCABULARY).toArray());
    }
    return documents;
  }

  private static String words(int[] document) {
    return IntStream.of(document).mapToObj(Integer::toString).collect(Collectors.joining(" "));
  }

  private Path jsonLines(String name, List<int[]> documents) throws IOException {
    StringBuilder text = new StringBuilder();
    for (int[] document : documents) {
      text.append("{\"id\": 1, \"text\": \"").append(words(document)).append("\"}\n");
    }
    Path file = folder.resolve(name);
    try (OutputStream raw = Files.newOutputStream(file);
        OutputStream out = name.endsWith(".gz") ? new GZIPOutputStream(raw) : raw) {
      out.write(text.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }
    return file;
  }

  private Path tokenFile(String name, List<int[]> documents, int bytes) throws IOException {
    int count = documents.stream().mapToInt(document -> document.length + 1).sum();
    ByteBuffer buffer = ByteBuffer.allocate(count * bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int[] document : documents) {
      for (int token : IntStream.concat(IntStream.of(0), IntStream.of(document)).toArray()) {
        if (bytes == 2) {
          buffer.putShort((short) token);
        } else {
          buffer.putInt(token);
        }
      }
    }
    return Files.write(folder.resolve(name), buffer.array());
  }

  /** All windows of a split, one after the other. */
  private static int[] stream(TokenWindows windows) {
    int length = windows.contextLength();
    int[] all = new int[(int) windows.size() * length];
    for (int i = 0; i < windows.size(); i++) {
      windows.read(i, all, i * length);
    }
    return all;
  }

  private static int[] expected(List<int[]> documents, Split split, long seed, int length) {
    IntStream joined = IntStream.empty();
    for (int[] document : documents) {
      if (Split.of(ContentHash.of(document), seed) == split) {
        joined =
            IntStream.concat(joined, IntStream.concat(IntStream.of(0), IntStream.of(document)));
      }
    }
    int[] all = joined.toArray();
    return Arrays.copyOf(all, all.length / length * length);
  }

  @Test
  void windowsAreTheDocumentsJoined() throws IOException {
    for (long trial = 0; trial < 12; trial++) {
      System.out.println("seed " + trial);
      SplittableRandom random = new SplittableRandom(trial);
      List<int[]> documents =
          randomDocuments(random, random.nextInt(250, 400), random.nextInt(8, 90));
      int cut = random.nextInt(1, documents.size());
      List<int[]> first = documents.subList(0, cut);
      List<int[]> second = documents.subList(cut, documents.size());
      Path a = jsonLines(trial + (trial % 2 == 0 ? "a.jsonl" : "a.jsonl.gz"), first);
      Path b =
          trial % 3 == 0
              ? tokenFile(trial + "b.bin", second, 2)
              : jsonLines(trial + "b.ndjson", second);
      Corpus corpus = open(trial, a, b);
      int length = random.nextInt(1, 12);
      assertThat(corpus.documents()).isEqualTo(documents.size());
      assertThat(corpus.tokens()).isEqualTo(documents.stream().mapToLong(d -> d.length).sum());
      for (Split split : Split.values()) {
        assertThat(stream(corpus.windows(split, length)))
            .as("split %s, seed %d, length %d", split, trial, length)
            .containsExactly(expected(documents, split, trial, length));
      }
    }
  }

  @Test
  void anInsertedDocumentMovesNoOther() throws IOException {
    List<int[]> documents = randomDocuments(new SplittableRandom(3), 400, 20);
    List<int[]> more = new ArrayList<>(documents);
    more.add(0, new int[] {1, 2, 3});
    more.add(200, new int[] {4, 5, 6, 7});
    java.util.Collections.swap(more, 50, 300);
    Corpus before = open(3, jsonLines("before.jsonl", documents));
    Corpus after = open(3, jsonLines("after.jsonl", more));
    for (Split split : Split.values()) {
      List<String> kept = held(before, split, documents);
      assertThat(held(after, split, documents)).containsExactlyInAnyOrderElementsOf(kept);
    }
  }

  /** Which of some documents a split holds. */
  private static List<String> held(Corpus corpus, Split split, List<int[]> of) {
    String all = ' ' + words(stream(corpus.windows(split, 1))) + ' ';
    return of.stream()
        .map(CorpusTest::words)
        .filter(text -> all.contains(" 0 " + text + " 0 "))
        .toList();
  }

  @Test
  void equalDocumentsShareASplitAndAreCounted() throws IOException {
    List<int[]> documents = randomDocuments(new SplittableRandom(4), 300, 20);
    List<int[]> copies = documents.subList(100, 150);
    Path text = jsonLines("original.jsonl", documents);
    Corpus corpus = open(4, text, tokenFile("copies.bin", copies, 2));
    assertThat(corpus.documents()).isEqualTo(350);
    assertThat(corpus.notes())
        .singleElement()
        .asString()
        .contains("50 of 350 documents (14.3 %)", "original.jsonl", "copies.bin");
    for (Split split : Split.values()) {
      String all = ' ' + words(stream(corpus.windows(split, 1))) + " 0 ";
      for (int[] copy : copies) {
        int times = all.split(" 0 " + words(copy) + "(?= 0 )", -1).length - 1;
        assertThat(times).isIn(0, 2);
      }
    }
    assertThat(open(4, text).notes()).isEmpty();
    List<DocumentIndex> indexes = new ArrayList<>();
    for (Path cached : list(folder.resolve("cache"))) {
      if (cached.toString().endsWith(".index")) {
        indexes.add(DocumentIndex.open(cached).orElseThrow());
      }
    }
    assertThat(indexes).hasSize(2);
    // However few are sorted at once.
    for (int atOnce : new int[] {1, 7, 100, 100_000}) {
      assertThat(DocumentSplits.repeated(indexes, atOnce)).isEqualTo(50);
    }
  }

  @Test
  void aFileNamedTwiceIsReadOnce() throws IOException {
    List<int[]> documents = randomDocuments(new SplittableRandom(5), 200, 20);
    Path one = jsonLines("one.jsonl", documents);
    Path copy = Files.copy(one, folder.resolve("copy.jsonl"));
    Corpus corpus = open(4, one, one, copy);
    assertThat(corpus.documents()).isEqualTo(200);
    assertThat(corpus.notes())
        .containsExactly(
            one + ": the same text as " + one + ", read once",
            copy + ": the same text as " + one + ", read once");
    assertThat(corpus.fingerprint()).isEqualTo(open(4, copy).fingerprint());
  }

  @Test
  void aSmallTextHasEverySplit() throws IOException {
    for (int seed = 0; seed < 60; seed++) {
      int count = 5 + seed % 21;
      List<int[]> documents = new ArrayList<>();
      for (int d = 0; d < count; d++) {
        documents.add(new int[] {d + 1, 7, 7, 7});
        documents.add(new int[] {d + 1, 7, 7, 7});
      }
      Corpus corpus = open(seed, jsonLines("small" + count + ".jsonl", documents));
      long windows = 0;
      for (Split split : Split.values()) {
        assertThat(corpus.windows(split, 5).size()).isEven();
        windows += corpus.windows(split, 5).size();
      }
      assertThat(windows).isEqualTo(2L * count);
    }
    Corpus four = open(1, jsonLines("four.jsonl", List.of(new int[] {1}, new int[] {2})));
    assertThatThrownBy(
            () -> {
              for (Split split : Split.values()) {
                four.windows(split, 1);
              }
            })
        .hasMessageContaining("0 of 2 documents");
  }

  @Test
  void damagedCachesAreFoundAndMadeAgain() throws IOException {
    List<int[]> documents = randomDocuments(new SplittableRandom(6), 200, 20);
    Path text = jsonLines("text.jsonl", documents);
    Path tokens = tokenFile("tokens.bin", documents, 2);
    for (Path source : List.of(text, tokens)) {
      int[] expected = stream(open(1, source).windows(Split.TRAIN, 4));
      List<Path> checked =
          list(folder.resolve("cache")).stream()
              .filter(path -> path.toString().matches(".*[.](bin|index)"))
              .toList();
      assertThat(checked).hasSize(source == text ? 2 : 1);
      for (Path cached : checked) {
        byte[] whole = Files.readAllBytes(cached);
        SplittableRandom random = new SplittableRandom(7);
        for (int damage = 0; damage < 12 && whole.length > 0; damage++) {
          byte[] bad = whole.clone();
          bad[random.nextInt(bad.length)] ^= (byte) (1 << random.nextInt(8));
          Files.write(cached, damage < 6 ? bad : Arrays.copyOf(whole, random.nextInt(bad.length)));
          Corpus again = open(1, source);
          assertThat(again.notes()).singleElement().asString().contains("made again");
          assertThat(stream(again.windows(Split.TRAIN, 4))).containsExactly(expected);
          assertThat(cached).hasBinaryContent(whole);
          assertThat(open(1, source).notes()).isEmpty();
        }
      }
      try (var files = Files.list(folder.resolve("cache"))) {
        for (Path cached : files.toList()) {
          Files.delete(cached);
        }
      }
    }
  }

  @Test
  void aWindowBelongsToTheDocumentThatMostOfItIsOf() throws IOException {
    SplittableRandom random = new SplittableRandom(4);
    List<int[]> documents = randomDocuments(random, 300, 40);
    TokenWindows windows = open(4, jsonLines("d.jsonl", documents)).windows(Split.TRAIN, 9);
    int[] stream = stream(windows);
    long[] contents =
        documents.stream()
            .mapToLong(ContentHash::of)
            .filter(content -> Split.of(content, 4) == Split.TRAIN)
            .toArray();
    int document = -1;
    int[] documentAt = new int[stream.length];
    for (int place = 0; place < stream.length; place++) {
      document += stream[place] == 0 ? 1 : 0;
      documentAt[place] = document;
    }
    for (int w = 0; w < windows.size(); w++) {
      int[] of = Arrays.copyOfRange(documentAt, 9 * w, 9 * w + 9);
      int most = of[0];
      for (int candidate : of) {
        int inWindow = (int) Arrays.stream(of).filter(d -> d == candidate).count();
        int best = most;
        if (inWindow > Arrays.stream(of).filter(d -> d == best).count()) {
          most = candidate;
        }
      }
      assertThat(windows.document(w)).as("window %d", w).isEqualTo(contents[most]);
    }
  }

  @Test
  void plainTextEndsDocumentsAtTheMark() throws IOException {
    List<int[]> documents = randomDocuments(new SplittableRandom(5), 60, 30);
    String text =
        documents.stream().map(CorpusTest::words).collect(Collectors.joining("\n<|endoftext|>\n"));
    Path file = Files.writeString(folder.resolve("plain.txt"), "\uFEFF" + text);
    Corpus corpus = open(5, file);
    assertThat(corpus.documents()).isEqualTo(60);
    assertThat(stream(corpus.windows(Split.TRAIN, 7)))
        .containsExactly(expected(documents, Split.TRAIN, 5, 7));
  }

  @Test
  void longPlainTextIsCutAndKeepsEveryWord() throws IOException {
    SplittableRandom random = new SplittableRandom(6);
    for (String separator : List.of("\n\n", "\n", " ")) {
      int[] words = random.ints(40_000, 1000, VOCABULARY).toArray();
      StringBuilder text = new StringBuilder();
      for (int i = 0; i < words.length; i++) {
        text.append(words[i]).append(i % 50 == 49 ? separator : " ");
      }
      Path file = Files.writeString(folder.resolve("long.txt"), text);
      Corpus corpus = open(6, file);
      assertThat(corpus.documents())
          .as("cut at %s", separator.replace('\n', '|'))
          .isBetween(12L, 60L);
      if (!separator.equals(" ")) {
        assertThat(corpus.tokens()).isEqualTo(words.length);
      }
    }
  }

  @Test
  void fourByteTokenFilesAndFilesWithoutMark() throws IOException {
    List<int[]> one = List.of(new SplittableRandom(8).ints(300_000, 1, VOCABULARY).toArray());
    CorpusOptions wide =
        CorpusOptions.defaults().withTokens(Optional.of(TokenWidth.U32), OptionalInt.empty());
    Corpus corpus = open(0, wide, tokenFile("wide.bin", one, 4));
    assertThat(corpus.tokens()).isEqualTo(300_000);
    assertThat(corpus.documents()).isEqualTo(400);
    assertThat(corpus.windows(Split.CALIBRATE, 1024).size()).isPositive();
  }

  @Test
  void secondOpeningReadsTheCache() throws IOException {
    List<int[]> documents = randomDocuments(new SplittableRandom(9), 50, 30);
    Path file = jsonLines("twice.jsonl", documents);
    Corpus first = open(1, file);
    int[] before = stream(first.windows(Split.TRAIN, 4));
    List<Path> cached = list(folder.resolve("cache"));
    Corpus second = open(1, file);
    assertThat(stream(second.windows(Split.TRAIN, 4))).containsExactly(before);
    assertThat(list(folder.resolve("cache"))).isEqualTo(cached);
    assertThat(second.fingerprint()).isEqualTo(first.fingerprint());

    jsonLines("twice.jsonl", documents.subList(0, 40));
    Corpus changed = open(1, file);
    assertThat(changed.documents()).isEqualTo(40);
    assertThat(changed.fingerprint()).isNotEqualTo(first.fingerprint());
  }

  /** 3542 stories: the shares of tokens are those of the protocol within 1.5 points. */
  @Test
  void theEmbeddedStoriesFillEverySplit() {
    try (Tokenizer tokenizer = Tokenizer.load(ModelSource.resolve("embedded"))) {
      for (long seed = 0; seed < 3; seed++) {
        Corpus corpus = Corpus.open(List.of("embedded"), tokenizer, seed, folder.resolve("cache"));
        double all = corpus.tokens() + corpus.documents();
        assertThat(corpus.documents()).isEqualTo(3542);
        assertThat(corpus.notes()).isEmpty();
        for (Split split : Split.values()) {
          assertThat(corpus.windows(split, 32).size() * 32 / all)
              .as("%s, seed %d", split, seed)
              .isCloseTo(split.fraction(), within(0.015));
        }
      }
    }
  }

  private static List<Path> list(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }

  @Test
  void vocabularyOfTheModelIsChecked() throws IOException {
    Corpus corpus = open(1, jsonLines("v.jsonl", List.of(new int[] {4, 999, 3})));
    corpus.requireVocabulary(1000);
    assertThatThrownBy(() -> corpus.requireVocabulary(999)).hasMessageContaining("token id 999");
  }
}
