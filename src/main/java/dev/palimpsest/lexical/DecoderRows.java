package dev.palimpsest.lexical;

/**
 * What each latent writes: a coder's decoder rows. By them the explainer knows which latents
 * matter, and which words have like effects.
 *
 * @param width d
 * @param rows [M × d]
 */
@SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
public record DecoderRows(int width, float[] rows) {
  /** All latents write equally much, each in a direction of its own; classes cannot be found. */
  public static DecoderRows unknown() {
    return new DecoderRows(0, new float[0]);
  }

  /** Euclidean norm of a latent's row; 1 where rows are not known. */
  double norm(int latent) {
    if (width == 0) {
      return 1;
    }
    double squares = 0;
    for (int i = latent * width; i < (latent + 1) * width; i++) {
      squares += (double) rows[i] * rows[i];
    }
    return Math.sqrt(squares);
  }

  /** Adds so many times what a latent writes to a sum. */
  void add(float factor, int latent, float[] sum) {
    if (factor != 0) {
      int row = latent * width;
      for (int i = 0; i < sum.length; i++) {
        sum[i] += factor * rows[row + i];
      }
    }
  }
}
