package dev.palimpsest.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What native code would end the process for is refused before. */
class TokenizerFileTest {
  private static final String GOOD =
      """
      {"version":"1.0","truncation":null,"padding":null,
       "added_tokens":[{"id":2,"content":"<s>","single_word":false,"lstrip":false,"rstrip":false,
                        "normalized":false,"special":true}],
       "normalizer":null,
       "pre_tokenizer":{"type":"Split","pattern":{"Regex":"\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\S+|\\\\s"},
                        "behavior":"Isolated","invert":false},
       "post_processor":null,
       "decoder":null,
       "model":{"type":"WordLevel","vocab":{"<unk>":0,"a":1},"unk_token":"<unk>"}}
      """;

  @TempDir private Path folder;

  @Test
  void aGoodFileWorks() throws IOException {
    try (Tokenizer tokenizer = tokenizer(GOOD)) {
      assertThat(tokenizer.encode("a<s>")).containsExactly(1, 2);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"decoder\":null|\"decoder\":1E+5000|'decoder' is the number Infinity, beyond",
        "\"decoder\":null|\"decoder\":-1e999|'decoder' is the number -Infinity, beyond",
        "\"decoder\":null|\"decoder\":99999999999999999999999|'decoder' is the number"
            + " 99999999999999999999999",
        "\"<unk>\":0|\"<unk>\":1e999|'model.vocab.<unk>' is the number Infinity",
        "\"<unk>\":0|\"<unk>\":-1|expected a whole number below",
        "\"<unk>\":0|\"<unk>\":0.5|expected a whole number below",
        "\"<unk>\":0|\"<unk>\":4294967296|expected a whole number below",
        "\"a\":1|\"a\":\"1\"|expected a whole number below",
        "\"content\":\"<s>\"|\"content\":\"\\ud800\"|half a surrogate pair",
        "\"a\":1|\"\\udc00\":1|surrogate",
        "\"content\":\"<s>\"|\"content\":7|'added_tokens[0].content' is 7, expected text",
        "\"id\":2,|\"id\":null,|'added_tokens[0].id' is null, expected a whole number",
        "\"model\":{|\"modal\":{|'model' is missing, expected an object",
      })
  void faultsAreNamed(String good, String bad, String message) throws IOException {

    assertThat(GOOD).contains(good);
    assertThatThrownBy(() -> tokenizer(GOOD.replace(good, bad)))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageStartingWith(folder.toString())
        .hasMessageContaining(message)
        .message()
        .hasSizeLessThan(300)
        .doesNotContain("\n");
  }

  @Test
  void ruinousPatternsAreRefused() {
    assertThatThrownBy(() -> tokenizer(GOOD.replace("\\\\s*[\\\\r\\\\n]+", "(a+)+$|((a|a)*)*b")))
        .hasMessageContaining("'pre_tokenizer.pattern.Regex' is the pattern '(a+)+$|((a|a)*)*b|")
        .hasMessageContaining("refused");
  }

  /** Each of these ended the process. */
  @Test
  void whatTheLibraryTakesForGrantedIsChecked() {
    String words =
        "\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"<unk>\":0,\"a\":1},\"unk_token\":\"<unk>\"}";
    assertThat(GOOD).contains(words);
    String pairs =
        "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"##b\":2,\"ab\":3},\"continuing_subword_prefix\":\"##\",\"merges\":";
    for (String merges : new String[] {"[\"a b\"]}", "[[\"a\",\"b\"]]}"}) {
      assertThatThrownBy(() -> tokenizer(GOOD.replace(words, pairs + merges)))
          .hasMessageContaining("'model.merges[0]' is ")
          .hasMessageContaining("expected a second part that begins with the prefix '##'");
    }
    assertThatThrownBy(
            () ->
                tokenizer(
                    GOOD.replace(
                        "\"decoder\":null",
                        "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Strip\",\"content\":\""
                            + " \",\"start\":1,\"stop\":1}]}")))
        .hasMessageContaining("'decoder.stop' is 1, expected 0");
    assertThatThrownBy(
            () ->
                tokenizer(
                    GOOD.replace(
                        "\"post_processor\":null",
                        "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":"
                            + "[{\"Sequence\":{\"id\":\"B\",\"type_id\":0}}],\"pair\":[],\"special_tokens\":{}}")))
        .hasMessageContaining("'post_processor.single' is ")
        .hasMessageContaining("expected the sequence A");
    assertThatThrownBy(
            () ->
                tokenizer(
                    GOOD.replace(
                        words,
                        "\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"<unk>\",0],[\""
                            + "x".repeat(100_000)
                            + "\",-1]]}")))
        .hasMessageContaining("'model.vocab[1]' is ")
        .hasMessageContaining("expected a token of at most 1024 characters");
  }

  @Test
  void aGoodPrefixIsNoFault() throws IOException {
    String words =
        "\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"<unk>\":0,\"a\":1},\"unk_token\":\"<unk>\"}";
    String pairs =
        "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"##b\":2,\"ab\":3},\"continuing_subword_prefix\":\"##\",\"merges\":[\"a"
            + " ##b\"]}";
    try (Tokenizer tokenizer = tokenizer(GOOD.replace(words, pairs))) {
      assertThat(tokenizer.encode("ab")).containsExactly(3);
    }
  }

  @Test
  void depthIsBounded() {
    assertThatThrownBy(
            () ->
                tokenizer(
                    GOOD.replace(
                        "\"decoder\":null", "\"decoder\":" + "[".repeat(200) + "]".repeat(200))))
        .hasMessageContaining("nested deeper than 60 levels");
    assertThatThrownBy(
            () -> tokenizer(GOOD.replace("\"decoder\":null", "\"decoder\":" + "[".repeat(99_000))))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("nesting depth");
  }

  /** The library gives up a match after ten million steps back, and with it the process. */
  @Test
  void endlessRunsAreRefusedWhereAPatternStepsBack() throws IOException {
    try (Tokenizer tokenizer = tokenizer(GOOD)) {
      assertThat(tokenizer.encode("a" + " ".repeat(999_000) + "a")).hasSize(4);
      assertThatThrownBy(() -> tokenizer.encode("a" + " ".repeat(12_000_000) + "a"))
          .isInstanceOf(PalimpsestException.class)
          .hasMessageContaining("12,000,000 blanks");
      assertThatThrownBy(() -> tokenizer.encode("a".repeat(1_000_001)))
          .isInstanceOf(PalimpsestException.class)
          .hasMessageContaining("1,000,001 characters without a blank");
    }
  }

  private Tokenizer tokenizer(String json) throws IOException {
    Files.writeString(folder.resolve("tokenizer.json"), json);
    return Tokenizer.load(folder);
  }
}
