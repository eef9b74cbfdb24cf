package dev.palimpsest.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Names of tokens in explanations: words where there are words, numbers where nothing else names.
 */
class TokenNamesTest {
  @TempDir Path folder;

  private Tokenizer load(String name) throws IOException {
    String resource = "/golden/tokenizers/" + name + ".json.gz";
    try (InputStream raw = TokenNamesTest.class.getResourceAsStream(resource);
        InputStream stream = new GZIPInputStream(Objects.requireNonNull(raw))) {
      Files.write(folder.resolve("tokenizer.json"), stream.readAllBytes());
    }
    return Tokenizer.load(folder);
  }

  /** Every token has a text of its own. */
  @ParameterizedTest
  @ValueSource(strings = {"gpt_neox", "gpt2", "llama"})
  void noTokenIsWrittenByNumber(String name) throws IOException {
    try (Tokenizer tokenizer = load(name)) {
      TokenNames names = TokenNames.of(tokenizer);
      List<String> numbered = new ArrayList<>();
      for (int id = 0; id < names.size(); id++) {
        if (names.isNumbered(id)) {
          numbered.add(tokenizer.rawToken(id));
        }
      }
      assertThat(numbered).isEmpty();
    }
  }

  /** The library's own decoder says the same of every token that is whole characters. */
  @Test
  void textsAreWhatTheTokensStandFor() throws IOException {
    try (Tokenizer tokenizer = load("gpt2")) {
      for (int id = 0; id < tokenizer.vocabularySize(); id++) {
        String decoded = tokenizer.decode(id);
        if (!decoded.contains("\uFFFD")) {
          assertThat(tokenizer.token(id)).isEqualTo(decoded);
        }
      }
    }
  }

  @Test
  void withByteFallbackTheOrdinaryTokenHasTheName() throws IOException {
    try (Tokenizer tokenizer = load("llama")) {
      TokenNames names = TokenNames.of(tokenizer);
      assertThat(tokenizer.encode("The end.")).endsWith(29889);
      assertThat(names.name(29889)).isEqualTo("'.'");
      assertThat(names.idOf(".")).isEqualTo(29889);
      assertThat(names.name(0x2E + 3)).isEqualTo("'<0x2E>'");
      assertThat(names.idOf("<0x2E>")).isEqualTo(0x2E + 3);
      // A line feed is its byte and nothing else.
      assertThat(names.name(0x0A + 3)).isEqualTo("'\\n'");
      // What people and models write is named by itself.
      int[] ids =
          tokenizer.encode("\"Well,\" she said: 'it's 3.50 (or 4%)!'\n\nAnd - so; she left?");
      assertThat(IntStream.of(ids).mapToObj(names::name))
          .noneMatch(word -> word.contains("#") || word.contains("<0x"));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt_neox", "gpt2", "llama"})
  void bytePiecesOfACharacterAreJoined(String name) throws IOException {
    try (Tokenizer tokenizer = load(name)) {
      for (String text :
          List.of(
              "An emoji: \uD83E\uDD96 and \uD83D\uDC69\u200D\uD83D\uDE80.",
              "ᚠᛇᚻ 东京 𝔘 é",
              "plain")) {
        int[] ids = tokenizer.encode(text);
        List<TextPiece> pieces = tokenizer.pieces(ids);
        assertThat(pieces.stream().map(TextPiece::text).collect(Collectors.joining()).strip())
            .isEqualTo(text);
        int next = 0;
        for (TextPiece piece : pieces) {
          assertThat(piece.from()).isEqualTo(next);
          next = piece.to();
        }
        assertThat(next).isEqualTo(ids.length);
      }
      // A character that is cut off stays in bytes.
      int[] ids = tokenizer.encode("\uD83E\uDD96");
      List<TextPiece> cut = tokenizer.pieces(Arrays.copyOf(ids, ids.length - 1));
      assertThat(cut.get(cut.size() - 1).text()).contains("<0x");
    }
  }

  /** Runs of blanks are added tokens there, which are found before those of the model. */
  @Test
  void addedTokensComeFirst() throws IOException {
    try (Tokenizer tokenizer = load("gpt_neox")) {
      TokenNames names = TokenNames.of(tokenizer);
      for (String blanks : List.of("  ", "       ")) {
        int[] ids = tokenizer.encode("a" + blanks + "b");
        assertThat(IntStream.of(ids).mapToObj(names::name))
            .noneMatch(name -> name.contains("\u0120"));
      }
    }
  }

  @Test
  void sharedAndEmptyTextsHaveNumbers() {
    String[] texts = {" cat", "x", "x", "", "\uFFFD"};
    TokenNames names = TokenNames.of(texts.length, id -> texts[id], OptionalInt.empty());
    assertThat(IntStream.range(0, texts.length).mapToObj(names::name))
        .containsExactly("cat", "'\\#1;'", "'\\#2;'", "'\\#3;'", "'\uFFFD'");
  }

  @Test
  void theNearest() {
    String[] texts = {"cat", " cat", " cats", " Cat", " dog", " caterpillar", "."};
    TokenNames names = TokenNames.of(texts.length, id -> texts[id], OptionalInt.empty());
    assertThat(names.nearest(" CAT", 3)).containsExactly(3, 1, 0);
    assertThat(names.nearest(" catz", 9)).containsExactly(1, 2, 0, 3);
    assertThat(names.nearest(" zebra", 9)).isEmpty();
    assertThat(names.nearest("x".repeat(1_000_000), 9)).isEmpty();
  }

  @Test
  void editDistance() {
    assertThat(EditDistance.of("kitten", "sitting")).isEqualTo(3);
    assertThat(EditDistance.of("", "abc")).isEqualTo(3);
    assertThat(EditDistance.of("abc", "abc")).isZero();
  }
}
