package dev.palimpsest.text;

import java.util.Optional;
import java.util.OptionalInt;

/**
 * How a corpus reads its files.
 *
 * @param textKey the key of the text in JSON lines
 * @param tokenWidth how ids are stored in {@code .bin} files; empty: two bytes where the vocabulary
 *     fits, else four
 * @param endOfText the id between documents, in place of the tokenizer's
 */
public record CorpusOptions(
    String textKey, Optional<TokenWidth> tokenWidth, OptionalInt endOfText) {
  /** Key {@code text}, width by the vocabulary, the tokenizer's own end of text. */
  public static CorpusOptions defaults() {
    return new CorpusOptions("text", Optional.empty(), OptionalInt.empty());
  }

  /** The same, with an end-of-text id where none is given. */
  CorpusOptions withDefaultEndOfText(OptionalInt id) {
    return endOfText.isPresent() ? this : new CorpusOptions(textKey, tokenWidth, id);
  }
}
