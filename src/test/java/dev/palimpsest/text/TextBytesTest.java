package dev.palimpsest.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.PalimpsestException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The same text however its bytes are dressed: line ends, marks, compression, length of lines. */
class TextBytesTest {
  @TempDir Path folder;

  private List<String> documents(String name, String text) throws IOException {
    return documents(Files.writeString(folder.resolve(name), text));
  }

  private static List<String> documents(Path file) {
    List<String> all = new ArrayList<>();
    try (Documents documents = Documents.open(file, CorpusOptions.defaults())) {
      for (Optional<String> next = documents.next(); next.isPresent(); next = documents.next()) {
        all.add(next.get());
      }
    }
    return all;
  }

  /** Random plain text with every kind of line, marks among them; much of it beyond 64 KiB. */
  private static String randomText(SplittableRandom random) {
    StringBuilder text = new StringBuilder();
    int lines = random.nextInt(1, 400);
    for (int i = 0; i < lines; i++) {
      switch (random.nextInt(12)) {
        case 0 -> text.append("<|endoftext|>");
        case 1 -> text.append("x".repeat(random.nextInt(20_000)));
        case 2 -> text.append("<|endo\u20AC\uD83D\uDE42".repeat(random.nextInt(9_000)));
        case 3 -> text.append(" \t");
        default -> text.append("a line of words ".repeat(random.nextInt(12)));
      }
      text.append(random.nextInt(10) == 0 ? "\n\n" : "\n");
    }
    return text.toString();
  }

  @Test
  void windowsLineEndsGiveTheSameDocuments() throws IOException {
    for (int seed = 0; seed < 40; seed++) {
      String text = randomText(new SplittableRandom(seed));
      List<String> unix = documents("unix.txt", text);
      assertThat(documents("windows.txt", text.replace("\n", "\r\n")))
          .as("seed %d", seed)
          .isEqualTo(unix);
      assertThat(documents("marked.txt", "\uFEFF" + text)).isEqualTo(unix);
      String joined = String.join("", unix).replaceAll("\\s", "");
      assertThat(joined).isEqualTo(text.replace("<|endoftext|>", "").replaceAll("\\s", ""));
    }
  }

  @Test
  void marksAreFoundWhereverPiecesOfALongLineEnd() throws IOException {
    for (int shift = 0; shift < 16; shift++) {
      String text = "y".repeat((1 << 16) - shift) + "<|endoftext|>\uD83D\uDE42z" + "\r\n";
      List<String> documents = documents("long.txt", text);
      assertThat(documents.get(documents.size() - 1)).isEqualTo("\uD83D\uDE42z");
      assertThat(String.join("", documents))
          .isEqualTo("y".repeat((1 << 16) - shift) + "\uD83D\uDE42z");
    }
  }

  @Test
  void stringsInJsonAreTakenAsTheyStand() throws IOException {
    String lines = "\uFEFF{\"text\": \"a\\r\\nb\"}\r\n{\"text\": \"c\"}\r\n";
    assertThat(documents("a.jsonl", lines)).containsExactly("a\r\nb", "c");
  }

  @Test
  void compressionIsToldByTheBytes() throws IOException {
    Path named = folder.resolve("q.jsonl.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(named))) {
      for (int i = 1; i < 100; i++) {
        out.write(("{\"text\": \"" + i + "\"}\n").getBytes(StandardCharsets.UTF_8));
      }
    }
    Path unnamed = Files.copy(named, folder.resolve("q.jsonl"));
    Path wrong = Files.copy(named, folder.resolve("q.txt"));
    for (int round = 0; round < 2; round++) {
      assertThat(open(unnamed).documents()).isEqualTo(99);
      assertThat(open(named).documents()).isEqualTo(99);
      // The bytes are those of JSON lines, but its name says plain text: words of a tokenizer of
      // numbers they are not.
      assertThatThrownBy(() -> open(wrong)).isInstanceOf(PalimpsestException.class);
    }
  }

  /** What a name promises is asked of the file each time, whatever the cache holds. */
  @Test
  void whatWasReadBeforeChangesNothing() throws IOException {
    Path plain = Files.writeString(folder.resolve("p.jsonl"), "{\"text\": \"1 2\"}\n");
    Path wrong = Files.copy(plain, folder.resolve("p.jsonl.gz"));
    assertThatThrownBy(() -> open(wrong)).hasMessageContaining("not a gzip file");
    assertThat(open(plain).documents()).isEqualTo(1);
    assertThatThrownBy(() -> open(wrong)).hasMessageContaining("not a gzip file");
  }

  private Corpus open(Path file) {
    return Corpus.open(
        List.of(file.toString()),
        new WordEncoder(1000),
        0,
        folder.resolve("cache"),
        CorpusOptions.defaults());
  }

  @Test
  void aLineOfPlainTextMayBeOfAnyLength() throws IOException {
    Path file = folder.resolve("line.txt");
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
      byte[] words = "17 23 5 ".repeat(1 << 10).getBytes(StandardCharsets.UTF_8);
      for (int i = 0; i < 26_000; i++) {
        out.write(words);
      }
    }
    assertThat(Files.size(file)).isGreaterThan(202_000_000L);
    long characters = 0;
    try (Documents documents = Documents.open(file, CorpusOptions.defaults())) {
      for (Optional<String> next = documents.next(); next.isPresent(); next = documents.next()) {
        characters += next.get().length();
      }
    }
    assertThat(characters).isBetween(212_000_000L, Files.size(file));
    Files.delete(file);
  }

  @Test
  void aLongStringInJsonIsReadUpToANamedLimit() throws IOException {
    Path file = folder.resolve("long.jsonl");
    int length = 20_000_001;
    Files.writeString(file, "\n{\"text\": \"" + "7 ".repeat(length / 2) + "7\"}\n");
    assertThat(documents(file)).singleElement().asString().hasSize(length);
    assertThat(open(file).tokens()).isEqualTo(length / 2 + 1);

    Path longer = folder.resolve("longer.jsonl");
    try (OutputStream out = Files.newOutputStream(longer)) {
      out.write("\n{\"text\": \"".getBytes(StandardCharsets.UTF_8));
      byte[] words = "17 23 5 ".repeat(1 << 17).getBytes(StandardCharsets.UTF_8);
      for (int i = 0; i < 202; i++) {
        out.write(words);
      }
      out.write("\"}\n".getBytes(StandardCharsets.UTF_8));
    }
    assertThatThrownBy(() -> open(longer))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContainingAll("longer.jsonl line 2", "longer than 32 MiB");
    Files.delete(longer);
  }
}
