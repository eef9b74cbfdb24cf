package dev.palimpsest.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Explanations as files that people edit: what is read, and what is refused with file and line. */
class ExplanationStoreTest {
  private static final String GOOD = "{\"latent\": 1, \"text\": \"Fires on cat 7.\"}\n";

  @TempDir Path folder;

  private Path file(String content) throws IOException {
    return Files.writeString(folder.resolve("mine.jsonl"), content);
  }

  @Test
  void readsWhatAPersonSaves() throws IOException {
    Explanation mine = new Explanation(1, "Fires on cat 7.", "");
    Explanation other = new Explanation(0, "é", "me");
    String both = GOOD + "\r\n{\"text\":\"é\",\"explainer\":\"me\",\"latent\":0}";
    assertThat(ExplanationStore.read(file(both))).containsExactly(mine, other);
    assertThat(ExplanationStore.read(file("\uFEFF" + both))).containsExactly(mine, other);
    assertThat(ExplanationStore.lines(file("\n\n" + both)))
        .extracting(ExplanationStore.Line::number)
        .containsExactly(3, 5);
  }

  @Test
  void whatIsWrittenIsReadBack() throws IOException {
    Path file = folder.resolve("written.jsonl");
    List<Explanation> some = List.of(new Explanation(3, "a\nb\u2028\u0000\"", "lexical"));
    ExplanationStore.write(file, some);
    assertThat(ExplanationStore.read(file)).isEqualTo(some);
    ExplanationStore.write(file, List.of());
    assertThat(ExplanationStore.read(file)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{\"text\": \"a\"} | latent is missing, expected a whole number",
        "{\"latent\": null, \"text\": \"a\"} | latent is null",
        "{\"latent\": 5.7, \"text\": \"a\"} | latent is 5.7",
        "{\"latent\": 5.0, \"text\": \"a\"} | latent is 5.0",
        "{\"latent\": \"9\", \"text\": \"a\"} | latent is \"9\"",
        "{\"latent\": true, \"text\": \"a\"} | latent is true",
        "{\"latent\": -1, \"text\": \"a\"} | latent is -1",
        "{\"latent\": 3000000000, \"text\": \"a\"} | latent is 3000000000",
        "{\"latent\": 1e99999, \"text\": \"a\"} | latent is",
        "{\"latent\": 2} | text is missing",
        "{\"latent\": 2, \"text\": null} | text is null",
        "{\"latent\": 2, \"text\": [\"a\"]} | text is [\"a\"]",
        "{\"latent\": 2, \"text\": \"a\", \"explainer\": 3} | explainer is 3",
        "{\"latent\": 2, \"text\": \"a\", \"note\": 3} | unknown [note]",
        "{\"latent\": 2, \"latent\": 3, \"text\": \"a\"} | a key stands there twice",
        "{\"latent\": 1, \"text\": \"b\"} | latent 1 is explained twice, in line 1 too",
        "{\"latent\": 2, \"text\": \"a\"} x | not valid",
        "{\"latent\": 2, \"text\": \"a\" | not valid",
        "[{\"latent\": 2}] | expected an object",
        "null | expected an object",
        "latent 2: a | not valid"
      })
  void refusesWithFileAndLine(String line, String reason) throws IOException {
    Path file = file(GOOD + "\n" + line + "\n");
    assertThatThrownBy(() -> ExplanationStore.read(file))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageStartingWith(file + " line 3: ")
        .hasMessageContaining(reason)
        .message()
        .hasLineCount(1)
        .hasSizeLessThan(400 + file.toString().length());
  }

  @Test
  void longValuesAreQuotedInPart() throws IOException {
    Path file = file("{\"latent\": 2, \"text\": [" + "\"long\",".repeat(100_000) + "1]}\n");
    assertThatThrownBy(() -> ExplanationStore.read(file))
        .message()
        .hasSizeLessThan(400 + file.toString().length());
  }

  @Test
  void anEmptiedFileIsNamed() throws IOException {
    for (String content : List.of("", "\n \r\n", "\uFEFF")) {
      Path file = file(content);
      assertThatThrownBy(() -> ExplanationStore.read(file))
          .isInstanceOf(PalimpsestException.class)
          .hasMessageContainingAll(file.toString(), "holds no explanations");
    }
  }

  @Test
  void otherEncodingsAreNamed() throws IOException {
    Path file = file("");
    Files.write(file, ("\uFEFF" + GOOD).getBytes(StandardCharsets.UTF_16LE));
    assertThatThrownBy(() -> ExplanationStore.read(file))
        .hasMessageContainingAll(file.toString(), "UTF-16 (little-endian)", "UTF-8");
    Files.write(file, (GOOD + "{\"text\": \"é\"}").getBytes(StandardCharsets.ISO_8859_1));
    assertThatThrownBy(() -> ExplanationStore.read(file))
        .hasMessageContainingAll(file + " line 2", "Latin-1");
  }
}
