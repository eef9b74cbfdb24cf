package dev.palimpsest.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.UsageException;
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
    fails("a.jsonl", "{\"text\": \"1 2\"}\n{\"text\": \"1", "a.jsonl line 2", "not valid");
    fails(
        "b.jsonl",
        "\n{\"text\": \"1\"}\n{\"body\": \"1\"}\n",
        "b.jsonl line 3",
        "no key \"text\"",
        "[body]");
    fails("c.jsonl", "{\"text\": 7}\n", "c.jsonl line 1", "not a string");
    fails("d.jsonl", "[1, 2]\n", "d.jsonl line 1", "expected a JSON object, found array");
    fails("e.jsonl", "{\"text\": \"1\"} {\"text\": \"2\"}\n", "e.jsonl line 1", "more follows");
    fails(
        "f.jsonl",
        "{" + ("\"" + "k".repeat(40_000) + "\": 1,").repeat(15) + "\"k\": 1}\n",
        "f.jsonl line 1: no key \"text\"; found [kkk",
        "characters)");
    fails("g.jsonl", "[".repeat(3000) + "\n", "g.jsonl line 1", "beyond what is read", "1000");
  }

  @Test
  void notUtf8() throws IOException {
    fails(
        "latin.txt",
        new byte[] {'1', ' ', '\n', 'c', (byte) 0xE9, '\n'},
        "latin.txt line 2",
        "not UTF-8 text at its byte 2 (0xE9)",
        "Latin-1");
    fails(
        "windows.jsonl",
        new byte[] {'{', (byte) 0x93, '\n'},
        "windows.jsonl line 1",
        "not UTF-8 text at its byte 2 (0x93)",
        "Windows-1252");
    fails("bytes.txt", new byte[] {'1', 0, 2, (byte) 0xFF}, "bytes.txt line 1", "binary data");
    fails("cut.txt", new byte[] {'1', (byte) 0xE2, (byte) 0x82}, "cut.txt line 1", "byte 2 (0xE2)");
    for (String name : List.of("utf16.txt", "utf16.jsonl")) {
      String text = "{\"text\": \"1 2 3\"}\n";
      fails(name, text.getBytes(StandardCharsets.UTF_16), name, "UTF-16 (big-endian)", "UTF-8");
      fails(name, text.getBytes(StandardCharsets.UTF_16BE), name, "UTF-16 (big-endian");
      fails(name, text.getBytes(StandardCharsets.UTF_16LE), name, "UTF-16 (little-endian");
      fails(
          name,
          ("\uFEFF" + text).getBytes(StandardCharsets.UTF_16LE),
          name,
          "UTF-16 (little-endian)");
      fails(
          name,
          ("\uFEFF" + text).getBytes(java.nio.charset.Charset.forName("UTF-32LE")),
          name,
          "UTF-32 (little-endian)");
      fails(
          name,
          ("\uFEFF" + text).getBytes(java.nio.charset.Charset.forName("UTF-32BE")),
          name,
          "UTF-32 (big-endian)");
    }
  }

  @Test
  void pointersOfLargeFiles() throws IOException {
    String pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
    for (String name : List.of("a.txt", "a.jsonl", "a.jsonl.gz", "a.bin")) {
      fails(name, pointer, name, "Git LFS pointer", "git lfs pull");
    }
    Files.writeString(folder.resolve("tokenizer.json"), pointer);
    assertThatThrownBy(() -> Tokenizer.load(folder))
        .hasMessageContainingAll("tokenizer.json", "Git LFS pointer");
  }

  @Test
  void nullTexts() throws IOException {
    String text = "{\"text\": \"1 2\"}\n{\"text\": null}\n{\"text\": \"3 4\"}\n";
    fails("null.jsonl", text, "null.jsonl line 2", "is null", "--skip-null-texts");
    Corpus corpus =
        Corpus.open(
            List.of(folder.resolve("null.jsonl").toString()),
            new WordEncoder(100),
            0,
            folder.resolve("cache"),
            CorpusOptions.defaults().withTexts("text", true));
    assertThat(corpus.documents()).isEqualTo(2);
    assertThat(corpus.notes()).singleElement().asString().contains("1 null texts");
    fails("null.jsonl", text, "null.jsonl line 2", "is null");
    fails("gone.jsonl", "{\"body\": null}\n", "gone.jsonl line 1", "no key");
  }

  @Test
  void gzip() throws IOException {
    fails("plain.jsonl.gz", "{\"text\": \"1 2\"}\n", "plain.jsonl.gz", "not a gzip file");
    fails("token.bin.gz", "", "token.bin.gz", "unpack it");
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
        CorpusOptions.defaults().withTokens(java.util.Optional.empty(), OptionalInt.of(0));
    assertThatThrownBy(
            () -> Corpus.openTokens(List.of(file.toString()), 100, 0, folder.resolve("c"), options))
        .hasMessageContaining("no tokenizer.json");
  }

  @Test
  void excludedTokens() {
    assertThat(ExcludedTokens.parse("auto", 3, 10).ids()).containsExactly(3);
    assertThat(ExcludedTokens.parse("none", 3, 10).ids()).isEmpty();
    assertThat(ExcludedTokens.parse("7, 1", 3, 10).ids()).containsExactly(1, 3, 7);
    assertThat(ExcludedTokens.parse("auto,9", 3, 10).ids()).containsExactly(3, 9);
    assertThat(ExcludedTokens.parse("none,7,1", 3, 10).ids()).containsExactly(1, 7);
    for (String bad : List.of("", "a", "1,,2", "1.5", "99999999999")) {
      assertThatThrownBy(() -> ExcludedTokens.parse(bad, 3, 10))
          .isInstanceOf(UsageException.class)
          .hasMessageContaining("--exclude-tokens");
    }
    for (String bad : List.of("999999", "10", "-1", "auto,1,2048")) {
      assertThatThrownBy(() -> ExcludedTokens.parse(bad, 3, 10))
          .isInstanceOf(UsageException.class)
          .hasMessageContainingAll("--exclude-tokens", "outside the vocabulary of 10");
    }
  }
}
