package dev.palimpsest.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.PalimpsestException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Text that cannot be used: one sentence that names the file and the place, and nothing left in the
 * cache.
 */
class BadTextTest {
  @TempDir Path folder;

  private void fails(String name, byte[] content, String... parts) throws IOException {
    Path file = Files.write(folder.resolve(name), content);
    fails(List.of(file.toString()), parts);
  }

  private void fails(String name, String content, String... parts) throws IOException {
    fails(name, content.getBytes(StandardCharsets.UTF_8), parts);
  }

  private void fails(List<String> files, String... parts) throws IOException {
    Path cache = folder.resolve("cache");
    assertThatThrownBy(
            () ->
                Corpus.open(files, new WordEncoder(100), 0, cache, CorpusOptions.defaults())
                    .windows(Split.TRAIN, 8))
        .isInstanceOf(PalimpsestException.class)
        .message()
        .contains(parts)
        .hasLineCount(1);
    try (var left =
        Files.exists(cache) ? Files.list(cache) : java.util.stream.Stream.<Path>empty()) {
      assertThat(left.filter(path -> path.toString().endsWith(".tmp"))).isEmpty();
    }
  }

  @Test
  void emptyAndShort() throws IOException {
    fails("empty.txt", "", "empty.txt", "no text");
    fails("blank.jsonl", "\n\n{\"text\": \" \"}\n", "blank.jsonl", "no text");
    fails("empty.bin", "", "empty.bin", "no text");
    fails("short.txt", "1 2 3", "short.txt", "too little text", "window of 8");
    fails(List.of(), "no text given");
  }

  @Test
  void missingFiles() throws IOException {
    fails(List.of(folder.resolve("nowhere.txt").toString()), "no such text file", "nowhere.txt");
    fails(List.of(folder.toString()), "is a folder");
    fails("some.parquet", "PAR1", "Parquet");
  }

  @Test
  void json() throws IOException {
    fails("a.jsonl", "{\"text\": \"1 2\"}\n{\"text\": \"1", "a.jsonl line 2", "invalid JSON");
    fails(
        "b.jsonl",
        "\n{\"text\": \"1\"}\n{\"body\": \"1\"}\n",
        "b.jsonl line 3",
        "no key \"text\"",
        "[body]");
    fails("c.jsonl", "{\"text\": 7}\n", "c.jsonl line 1", "not a string");
    fails("d.jsonl", "[1, 2]\n", "d.jsonl line 1", "expected a JSON object, found array");
    fails("e.jsonl", "{\"text\": \"1\"} {\"text\": \"2\"}\n", "e.jsonl line 1", "invalid JSON");
  }

  @Test
  void notUtf8() throws IOException {
    fails(
        "latin.txt",
        new byte[] {'1', ' ', '\n', 'c', (byte) 0xE9, '\n'},
        "latin.txt line 2",
        "not UTF-8");
  }

  @Test
  void gzip() throws IOException {
    fails("plain.jsonl.gz", "{\"text\": \"1 2\"}\n", "plain.jsonl.gz", "not a gzip file");
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      for (int i = 0; i < 1000; i++) {
        out.write(("{\"text\": \"" + i % 100 + "\"}\n").getBytes(StandardCharsets.UTF_8));
      }
    }
    fails(
        "cut.jsonl.gz",
        Arrays.copyOf(bytes.toByteArray(), bytes.size() / 2),
        "cut.jsonl.gz",
        "truncated");
  }

  @Test
  void tokenFiles() throws IOException {
    fails(
        "big.bin",
        new byte[] {1, 0, 100, 0},
        "big.bin",
        "token id 100 at place 1",
        "vocabulary has 100");
    fails("odd.bin", new byte[] {1, 0, 2}, "odd.bin", "3 bytes");
  }

  @Test
  void textNeedsATokenizer() throws IOException {
    Path file = Files.writeString(folder.resolve("text.txt"), "hello");
    CorpusOptions options =
        new CorpusOptions("text", java.util.Optional.empty(), OptionalInt.of(0));
    assertThatThrownBy(
            () -> Corpus.openTokens(List.of(file.toString()), 100, 0, folder.resolve("c"), options))
        .hasMessageContaining("no tokenizer.json");
  }

  @Test
  void excludedTokens() {
    assertThat(ExcludedTokens.parse("auto", OptionalInt.of(3)).ids()).containsExactly(3);
    assertThat(ExcludedTokens.parse("none", OptionalInt.of(3)).ids()).isEmpty();
    assertThat(ExcludedTokens.parse("7, 1", OptionalInt.of(3)).ids()).containsExactly(1, 7);
    for (String bad : List.of("", "a", "1,,2", "-1")) {
      assertThatThrownBy(() -> ExcludedTokens.parse(bad, OptionalInt.empty()))
          .hasMessageContaining("--exclude-tokens");
    }
  }
}
