package dev.palimpsest.rivals;

/** A rival that sees tokens only, one position at a time. */
interface TokenRival extends Rival {
  /**
   * Predicts the output at one position.
   *
   * @param context token ids; only those up to the position are looked at
   * @param position 0-based
   * @param into receives d numbers from {@code offset} on
   */
  void predict(int[] context, int position, float[] into, int offset);

  @Override
  default float[] predict(RivalRows rows) {
    float[] predicted = new float[rows.count() * rows.width()];
    for (int r = 0; r < rows.count(); r++) {
      predict(rows.contexts()[r], rows.positions()[r], predicted, r * rows.width());
    }
    return predicted;
  }
}
