package dev.palimpsest.text;

import java.util.OptionalInt;

/** What the corpus needs of a tokenizer. Safe for any number of threads. */
interface TextEncoder {
  /** Token ids of a document, without special tokens added. */
  int[] encode(String text);

  int vocabularySize();

  /** The token before every document, if the tokenizer has one. */
  OptionalInt separator();

  /** Changes whenever the tokenizer would encode some text differently. */
  String fingerprint();
}
