package dev.palimpsest.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.safetensors.SafeTensors;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** UTF-8 everywhere, with or without a mark; whatever else it is, is named. */
class EncodingsTest {
  private static final String JSON = "{\"name\": \"café\"}\n";
  private static final String YAML = "name: café\nmore: [1, 2]\n";

  @TempDir Path folder;

  private Path file(String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name), bytes);
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void marksAreDropped() throws IOException {
    for (String mark : List.of("", "\uFEFF")) {
      Path json = file("a.json", utf8(mark + JSON));
      assertThat(Json.read(json, JsonNode.class).path("name").asText()).isEqualTo("café");
      Path yaml = file("a.yaml", utf8(mark + YAML));
      assertThat(Json.readYaml(yaml, JsonNode.class).path("name").asText()).isEqualTo("café");
    }
  }

  @Test
  void otherEncodingsAreNamed() throws IOException {
    for (String charset : List.of("UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE")) {
      for (String mark : List.of("", "\uFEFF")) {
        if (mark.isEmpty() && charset.startsWith("UTF-32")) {
          continue;
        }
        String expected = charset.substring(0, 6) + (charset.endsWith("LE") ? " (little" : " (big");
        Path json = file("a.json", (mark + JSON).getBytes(Charset.forName(charset)));
        assertThatThrownBy(() -> Json.read(json, JsonNode.class))
            .isInstanceOf(PalimpsestException.class)
            .hasMessageStartingWith(json + ": " + expected)
            .hasMessageContaining("expected UTF-8");
        Path yaml = file("a.yaml", (mark + YAML).getBytes(Charset.forName(charset)));
        assertThatThrownBy(() -> Json.readYaml(yaml, JsonNode.class))
            .hasMessageStartingWith(yaml + ": " + expected);
      }
    }
    Path json = file("a.json", JSON.getBytes(StandardCharsets.ISO_8859_1));
    assertThatThrownBy(() -> Json.read(json, JsonNode.class))
        .hasMessage(
            json
                + ": not UTF-8 text at its byte 14 (0xE9), seems to be Latin-1 (ISO 8859-1); iconv"
                + " converts it");
    Path yaml = file("a.yaml", YAML.getBytes(StandardCharsets.ISO_8859_1));
    assertThatThrownBy(() -> Json.readYaml(yaml, JsonNode.class))
        .hasMessageStartingWith(
            yaml + ": not UTF-8 text at its byte 10 (0xE9), seems to be Latin-1");
  }

  @Test
  void pointersOfLargeFilesAreNamed() throws IOException {
    byte[] pointer =
        utf8(
            """
            version https://git-lfs.github.com/spec/v1
            oid sha256:4d7a214614ab2935
            size 12345
            """);
    Path json = file("config.json", pointer);
    assertThatThrownBy(() -> Json.read(json, JsonNode.class))
        .hasMessageStartingWith(json + ": a Git LFS pointer");
    Path weights = file("model.safetensors", pointer);
    assertThatThrownBy(() -> SafeTensors.open(weights))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageStartingWith(weights + ": a Git LFS pointer");
    Path text = file("about.txt", utf8("version https://git-lfs.github.com/ is a page\n"));
    LfsPointer.refuse(text);
    LfsPointer.refuse(folder.resolve("nowhere"));
    LfsPointer.refuse(folder);
  }

  /** Lines of every length, cut anywhere into pieces, against the text they come from. */
  @Test
  void linesAndPieces() throws IOException {
    for (int seed = 0; seed < 30; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      StringBuilder text = new StringBuilder();
      int lines = random.nextInt(1, 12);
      for (int i = 0; i < lines; i++) {
        int length = random.nextInt(3) == 0 ? random.nextInt(200_000) : random.nextInt(50);
        String character = List.of("x", "é", "€", "\uD83D\uDE42").get(random.nextInt(4));
        text.append("y".repeat(random.nextInt(4))).append(character.repeat(length)).append('\n');
      }
      if (random.nextBoolean()) {
        text.append("no end");
      }
      Path file = file("lines.txt", utf8(text.toString()));
      List<String> whole = new ArrayList<>();
      try (Utf8Lines in = Utf8Lines.open(file)) {
        for (Optional<String> next = in.next(); next.isPresent(); next = in.next()) {
          whole.add(next.get());
          assertThat(in.number()).isEqualTo(whole.size());
        }
      }
      assertThat(String.join("", whole)).as("seed %d", seed).isEqualTo(text.toString());
      assertThat(whole)
          .allMatch(line -> line.indexOf('\n') < 0 || line.indexOf('\n') == line.length() - 1);
      StringBuilder joined = new StringBuilder();
      try (Utf8Lines in = Utf8Lines.open(file)) {
        for (Optional<String> next = in.nextPiece(); next.isPresent(); next = in.nextPiece()) {
          assertThat(utf8(next.get()).length).isBetween(1, 1 << 16);
          long before = joined.chars().filter(c -> c == '\n').count();
          assertThat(in.number()).isEqualTo(before + 1);
          joined.append(next.get());
        }
      }
      assertThat(joined.toString()).isEqualTo(text.toString());
    }
  }
}
