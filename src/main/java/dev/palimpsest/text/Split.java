package dev.palimpsest.text;

import dev.palimpsest.base.Seeds;

/**
 * What a document's text may be used for. Splits are made by document, so that no window of one
 * split shares text with another (experiment.md, section 5).
 *
 * <p>Documents are dealt in blocks of 25 in the order of the files: a seeded permutation of each
 * block gives 20 documents to {@link #TRAIN}, 2 to {@link #EXPLAIN} and one to each of the others.
 * So the shares are exact for every multiple of 25 documents, and a text of 25 documents already
 * has all five splits.
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

  /** Documents in a block. */
  static final int BLOCK = 25;

  private static final Split[] BY_RANK = new Split[BLOCK];

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

  /** The part of all documents that this split gets, between 0 and 1. */
  public double fraction() {
    return (double) share / BLOCK;
  }

  /** The split of a document, from its 0-based number in the corpus and the seed alone. */
  public static Split of(long document, long seed) {
    long block = document / BLOCK;
    Permutation permutation = new Permutation(BLOCK, Seeds.mix(seed, 0x53504C4954L, block));
    return BY_RANK[(int) permutation.at(document % BLOCK)];
  }
}
