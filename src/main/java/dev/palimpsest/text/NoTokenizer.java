package dev.palimpsest.text;

import dev.palimpsest.base.UsageException;
import java.util.OptionalInt;

/** Stands for the tokenizer of a model that has none: token files can be read, text cannot. */
record NoTokenizer(int vocabularySize) implements TextEncoder {
  @Override
  public int[] encode(String text) {
    throw new UsageException(
        "the model has no tokenizer.json: text cannot be read, only .bin files of token ids");
  }

  @Override
  public OptionalInt separator() {
    return OptionalInt.empty();
  }

  @Override
  public String fingerprint() {
    return "none";
  }
}
