package dev.palimpsest.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Patterns of real tokenizers pass; those that blow up do not. */
class RegexCostTest {
  /** As found in published {@code tokenizer.json} files. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        // GPT-2, GPT-NeoX (inside the library too)
        "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
        // Llama 3
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
            + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
        // Qwen 2, Qwen 3
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
            + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
        // Mistral's Tekken, GPT-4o
        "[^\\r"
            + "\\n"
            + "\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r"
            + "\\n"
            + "\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+"
            + "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}|"
            + " ?[^\\s\\p{L}\\p{N}]+[\\r"
            + "\\n"
            + "/]*|\\s*[\\r"
            + "\\n"
            + "]+|\\s+(?!\\S)|\\s+",
        // GPT-4, with possessive quantifiers
        "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+|"
            + " ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++$|\\s*[\\r\\n]|\\s+(?!\\S)|\\s",
        // DeepSeek
        "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r"
            + "\\n"
            + "\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r"
            + "\\n"
            + "]*|\\s*[\\r"
            + "\\n"
            + "]+|\\s+(?!\\S)|\\s+",
        // digits in threes from the right
        "\\p{N}{1,3}(?=(?:\\p{N}{3})*(?:\\P{N}|$))",
        "(?=(\\d{3})+(?!\\d))",
        // Bloom; CLIP; Falcon; T5 and XLM-R; Gemma and Llama 2 replace plain strings
        " ?[^(\\s|[.,!?…。，、।۔،])]+",
        "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+",
        "[0-9][0-9][0-9]",
        " {2,}",
        "\\s+",
        "\\s?\\p{L}+|\\s?\\p{N}+",
      })
  void realPatternsPass(String pattern) {
    assertThatCode(() -> RegexCost.of(pattern)).doesNotThrowAnyException();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "(a+)+$|((a|a)*)*b",
        "(a+)+$",
        "((a|a)*)*b",
        "(a|aa)+$",
        "(?:a*)*c",
        "(a|b|ab)*(bc|c)",
        "(?<x>a+)+x",
        "(a?){30}a{30}",
        "(a{1,3})*b",
        "a*a*b",
        ".*.*=.*x",
        "a?a?a?a?aaaa",
        "(\\w+\\s?)*$",
        "(?=(a+)+b)c",
        "[[a]+]+(a+)+$",
        "(a+?)+?$",
        "(a|a){9}b",
        "\\R*$",
      })
  void ruinousOnesAreRefused(String pattern) {
    assertThatThrownBy(() -> RegexCost.of(pattern))
        .isInstanceOf(RegexParser.Refusal.class)
        .hasMessageMatching(".*(repetition).*");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "(a)\\1",
        "\\k<n>",
        "(?<n>a\\g<n>)",
        "(?(1)a|b)",
        "(*FAIL)",
        "(?~a)",
        "a{1001}",
        "(",
        ")",
        "[a",
        "[[a]",
        "\\",
        "\\p{L",
        "(?<a",
        "(?#a",
        "a{2}{2}{2}{2}{2}"
      })
  void whatCannotBeJudgedIsRefused(String pattern) {
    assertThatThrownBy(() -> RegexCost.of(pattern)).isInstanceOf(RegexParser.Refusal.class);
  }

  @Test
  void deepOrLongPatternsAreRefusedInTime() {
    for (String pattern :
        new String[] {"(".repeat(5000), "[".repeat(5000), "a".repeat(10_001), "a+".repeat(4000)}) {
      assertThatThrownBy(() -> RegexCost.of(pattern)).isInstanceOf(RegexParser.Refusal.class);
    }
  }

  @Test
  void tellsWhetherASearchStepsBack() throws RegexParser.Refusal {
    assertThat(RegexCost.of("\\s*[\\r\\n]+|a").unbounded()).isEqualTo(1);
    assertThat(RegexCost.of("\\p{L}+|a*").unbounded()).isZero();
  }
}
