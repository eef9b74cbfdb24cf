package dev.palimpsest.text;

import dev.palimpsest.base.FileDigests;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/** A model's tokenizer as the corpus needs it. */
final class TokenizerEncoder implements TextEncoder {
  /**
   * Text whose encoding tells tokenizers of one vocabulary apart: case, spaces, digits, marks,
   * accents, other scripts.
   */
  private static final String PROBE =
      "Once upon a time,  there WAS\ta café;\n\n"
          + " \"naïve\" 12345 + 0.5 don't re-read it… 東京 привет 🙂 <s></s>";

  /** Where blanks are put that are not written: at the beginning, and after a special token. */
  private static final List<String> BLANKS = List.of(" a", "<s>a", "</s>a");

  private final Tokenizer tokenizer;
  private final String fingerprint;

  TokenizerEncoder(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
    StringBuilder description = new StringBuilder(Arrays.toString(tokenizer.encode(PROBE)));
    BLANKS.forEach(text -> description.append(Arrays.toString(tokenizer.encode(text))));
    for (int id = 0; id < tokenizer.vocabularySize(); id++) {
      description.append('\n').append(tokenizer.token(id));
    }
    this.fingerprint = FileDigests.ofText(description.toString());
  }

  @Override
  public int[] encode(String text) {
    return tokenizer.encode(text);
  }

  @Override
  public int vocabularySize() {
    return tokenizer.vocabularySize();
  }

  @Override
  public OptionalInt separator() {
    return tokenizer.separator();
  }

  @Override
  public String fingerprint() {
    return fingerprint;
  }
}
