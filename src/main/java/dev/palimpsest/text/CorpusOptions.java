package dev.palimpsest.text;

import java.util.Optional;
import java.util.OptionalInt;

/**
 * How a corpus reads its files and cuts its windows.
 *
 * @param textKey the key of the text in JSON lines
 * @param skipNullTexts whether a JSON line whose text is null is passed over; else it is an error
 * @param tokenWidth how ids are stored in {@code .bin} files; empty: two bytes where the vocabulary
 *     fits, else four
 * @param separator the id before every document, in place of the tokenizer's
 * @param markEveryWindow whether every window begins with the separator, as models want that have
 *     never seen text without it
 * @param withinDocuments whether a window holds tokens of one document only; what is left of a
 *     document and does not fill a window is then dropped
 */
public record CorpusOptions(
    String textKey,
    boolean skipNullTexts,
    Optional<TokenWidth> tokenWidth,
    OptionalInt separator,
    boolean markEveryWindow,
    boolean withinDocuments) {
  /**
   * Key {@code text}, null texts are errors, width by the vocabulary, the tokenizer's own
   * separator, packed windows.
   */
  public static CorpusOptions defaults() {
    return new CorpusOptions("text", false, Optional.empty(), OptionalInt.empty(), false, false);
  }

  /** The same for other texts in JSON lines. */
  public CorpusOptions withTexts(String key, boolean skipNull) {
    return new CorpusOptions(
        key, skipNull, tokenWidth, separator, markEveryWindow, withinDocuments);
  }

  /** The same for token files of another form. */
  public CorpusOptions withTokens(Optional<TokenWidth> width, OptionalInt mark) {
    return new CorpusOptions(textKey, skipNullTexts, width, mark, markEveryWindow, withinDocuments);
  }

  /** The same with other windows. */
  public CorpusOptions withWindows(boolean markEvery, boolean within) {
    return new CorpusOptions(textKey, skipNullTexts, tokenWidth, separator, markEvery, within);
  }
}
