package dev.palimpsest.text;

import dev.palimpsest.base.Seeds;

/**
 * What a document's text may be used for. Splits are made by document, so that no window of one
 * split shares text with another (experiment.md, section 5).
 *
 * <p>A document's split is a seeded hash of its content, nothing else: documents added, removed or
 * put in another order move no other, and equal documents, in whichever files, always come to the
 * same split. Documents that only resemble each other may come apart: of the embedded stories'
 * evaluation text a tenth stands in other splits in runs of 13 tokens (stock phrases), a thousandth
 * in runs of 32. {@link DocumentSplits} says what happens where a text is too small for that.
 */
public enum Split {
  /** Training of sparse coders: 80 %. */
  TRAIN(20),
  /** Latent cache and explanations: 8 %. */
  EXPLAIN(2),
  /** Scores of explanations: 4 %. */
  SCORE(1),
  /** Calibration of simulators, means, and held-out figures while training: 4 %. */
  CALIBRATE(1),
  /** The final losses and nothing else: 4 %. */
  EVALUATE(1);

  /** The sum of all shares. */
  private static final int SHARES = 25;

  private static final Split[] BY_RANK = new Split[SHARES];

  static {
    int rank = 0;
    for (Split split : values()) {
      for (int i = 0; i < split.share; i++) {
        BY_RANK[rank++] = split;
      }
    }
  }

  private final int share;

  Split(int share) {
    this.share = share;
  }

  /** The part of all documents that this split gets on average, between 0 and 1. */
  public double fraction() {
    return (double) share / SHARES;
  }

  /**
   * The split of a document.
   *
   * @param content {@link ContentHash} of its tokens
   * @param seed another one deals all documents anew
   */
  static Split of(long content, long seed) {
    long hash = Seeds.mix(seed, 0x53504C4954L, content);
    return BY_RANK[(int) Long.remainderUnsigned(hash, SHARES)];
  }
}
