package dev.palimpsest.text;

import dev.palimpsest.base.Seeds;

/**
 * A 64-bit hash of a document's token ids, which stands for its content: h_0 = 0, h_(i+1) =
 * mix(h_i, token_i). Two different documents of a text share one with a probability of 2^-64 times
 * their pairs: 3 in a million for ten million documents.
 */
final class ContentHash {
  private long hash;

  void add(int token) {
    hash = Seeds.mix(hash, token);
  }

  /** The hash of the tokens added since the last call. */
  long take() {
    long taken = hash;
    hash = 0;
    return taken;
  }

  static long of(int... tokens) {
    ContentHash content = new ContentHash();
    for (int token : tokens) {
      content.add(token);
    }
    return content.take();
  }
}
