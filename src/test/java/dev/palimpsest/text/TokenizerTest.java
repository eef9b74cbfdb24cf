package dev.palimpsest.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerTest {
  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"gpt_neox", "gpt2", "llama"})
  void agreesWithTheReferenceLibrary(String name) throws IOException {
    unpack(name);
    JsonNode cases;
    try (InputStream stream = resource("reference.json")) {
      cases = Json.MAPPER.readTree(stream).path(name);
    }
    assertThat(cases).hasSizeGreaterThan(10);
    List<String> texts = new ArrayList<>();
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      for (JsonNode example : cases) {
        String text = example.path("text").asText();
        int[] expected = Json.MAPPER.convertValue(example.path("ids"), int[].class);
        String[] tokens = Json.MAPPER.convertValue(example.path("tokens"), String[].class);
        assertThat(tokenizer.encode(text)).as(text).isEqualTo(expected);
        assertThat(Arrays.stream(expected).mapToObj(tokenizer::rawToken).toArray())
            .as(text)
            .isEqualTo(tokens);
        texts.add(text);
      }
      int[][] together = tokenizer.encodeAll(texts);
      for (int i = 0; i < texts.size(); i++) {
        assertThat(together[i]).isEqualTo(tokenizer.encode(texts.get(i)));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt_neox", "gpt2", "llama"})
  void longTextsAreNotCutAndComeBack(String name) throws IOException {
    unpack(name);
    String text = "The cat sat on the mat. ".repeat(2000) + "The end of 日本語 🙂";
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      int[] ids = tokenizer.encode(text);
      assertThat(ids).hasSizeGreaterThan(12_000);
      assertThat(tokenizer.decode(ids)).isEqualTo(text);
      StringBuilder pieces = new StringBuilder();
      for (int id : tokenizer.encode("The cat sat,\non the mat.")) {
        pieces.append(tokenizer.token(id));
      }
      assertThat(pieces.toString().strip()).isEqualTo("The cat sat,\non the mat.");
      assertThat(tokenizer.encode("half \ud83d a pair"))
          .isEqualTo(tokenizer.encode("half ? a pair"));
    }
  }

  @Test
  void tokensReadAsTheyAppearInText() throws IOException {
    unpack("gpt2");
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      assertThat(tokenizer.token(995)).isEqualTo(" world");
      assertThat(tokenizer.token(198)).isEqualTo("\n");
      assertThat(tokenizer.token(50256)).isEqualTo("<|endoftext|>");
      assertThat(tokenizer.token(41840)).isEqualTo("<0xF0><0x9F><0x91>");
      assertThat(tokenizer.token(60000)).isEqualTo("<unused 60000>");
      assertThat(tokenizer.vocabularySize()).isEqualTo(50257);
      assertThat(tokenizer.separator()).hasValue(50256);
    }
    unpack("llama");
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      assertThat(tokenizer.token(3186)).isEqualTo(" world");
      assertThat(tokenizer.token(13)).isEqualTo("\n");
      assertThat(tokenizer.token(0xE2 + 3)).isEqualTo("<0xE2>");
      assertThat(tokenizer.vocabularySize()).isEqualTo(32000);
      assertThat(tokenizer.separator()).hasValue(1);
    }
  }

  @Test
  void theConfigurationSaysWhatSeparatesDocuments() throws IOException {
    unpack("gpt2");
    Files.writeString(
        folder.resolve("config.json"), "{\"bos_token_id\":null,\"eos_token_id\":[7,8]}");
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      assertThat(tokenizer.separator()).hasValue(7);
    }
  }

  /** Ids by transformers 5.18, whose LlamaTokenizer was given these settings. */
  @ParameterizedTest
  @ValueSource(strings = {"plain", "legacy", "no_prefix"})
  void blanksOfLlamaTokenizersAreTheReferenceLibrarys(String settings) throws IOException {
    unpack("llama");
    JsonNode golden;
    try (InputStream stream = resource("llama_blanks.json")) {
      golden = Json.MAPPER.readTree(stream).path(settings);
    }
    Files.writeString(
        folder.resolve("tokenizer_config.json"), Json.line(golden.path("tokenizer_config")));
    assertThat(golden.path("cases")).hasSizeGreaterThan(10);
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      for (JsonNode example : golden.path("cases")) {
        String text = example.path("text").asText();
        assertThat(tokenizer.encode(text))
            .as(text)
            .isEqualTo(Json.MAPPER.convertValue(example.path("ids"), int[].class));
        assertThat(tokenizer.decodePlain(tokenizer.encode(text)))
            .as(text)
            .isEqualTo(example.path("plain").asText());
      }
    }
  }

  /** A folder that calls its tokenizer a Llama's, with a file of another kind, is left alone. */
  @Test
  void aByteLevelFileKeepsItsForm() throws IOException {
    unpack("gpt2");
    int[] before;
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      before = tokenizer.encode("a<|endoftext|>a b");
    }
    Files.writeString(
        folder.resolve("tokenizer_config.json"), "{\"tokenizer_class\":\"LlamaTokenizerFast\"}");
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      assertThat(tokenizer.encode("a<|endoftext|>a b")).isEqualTo(before);
    }
  }

  @Test
  void badFilesAreNamed() throws IOException {
    assertThatThrownBy(() -> Tokenizer.load(folder))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("has no tokenizer.json");
    Path file = folder.resolve("tokenizer.json");
    Files.writeString(file, "{\"model\":{}}");
    assertThatThrownBy(() -> Tokenizer.load(folder)).hasMessageContaining("found none");
    Files.writeString(file, "{\"model\":{\"vocab\":{\"a\":0}}");
    assertThatThrownBy(() -> Tokenizer.load(folder))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("tokenizer.json");
    Files.writeString(file, "{\"model\":{\"type\":\"odd\",\"vocab\":{\"a\":0}}}");
    assertThatThrownBy(() -> Tokenizer.load(folder))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("not a usable tokenizer");
  }

  private void unpack(String name) throws IOException {
    try (InputStream stream = new GZIPInputStream(resource(name + ".json.gz"))) {
      Files.write(folder.resolve("tokenizer.json"), stream.readAllBytes());
    }
  }

  private static InputStream resource(String name) {
    return Objects.requireNonNull(
        TokenizerTest.class.getResourceAsStream("/golden/tokenizers/" + name));
  }
}
