package dev.palimpsest.text;

import java.util.OptionalInt;

/** A tokenizer for tests: a word is a decimal number and its own token id; id 0 ends a text. */
record WordEncoder(int vocabularySize) implements TextEncoder {
  @Override
  public int[] encode(String text) {
    return text.isBlank()
        ? new int[0]
        : java.util.Arrays.stream(text.strip().split("\\s+")).mapToInt(Integer::parseInt).toArray();
  }

  @Override
  public OptionalInt separator() {
    return OptionalInt.of(0);
  }

  @Override
  public String fingerprint() {
    return "words of " + vocabularySize;
  }
}
