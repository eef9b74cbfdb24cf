package dev.palimpsest.lexical;

/**
 * What all guesses together still lack: at every position the sum of the latents' errors, decoded.
 * The errors where a latent is at its start are the same everywhere and are kept apart.
 */
final class Residual {
  /** Numbers held at most; where a text has more, its first positions stand for all. */
  private static final int LARGEST = 40_000_000;

  private final DecoderRows decoder;
  private final int width;
  private final int held;
  private final float[] values;
  private final float[] everywhere;

  /**
   * @param positions of the text
   */
  Residual(DecoderRows decoder, int positions) {
    this.decoder = decoder;
    width = decoder.width();
    held = Math.min(positions, LARGEST / Math.max(1, width));
    values = new float[held * width];
    everywhere = new float[width];
  }

  /** Positions that are held, from the first on. */
  int positions() {
    return held;
  }

  /** Adds an error of a latent at a position, if that is held. */
  void add(int position, int latent, float error) {
    if (position < held) {
      axpy(error, latent, values, position * width);
    }
  }

  /** Adds an error of a latent at all positions. */
  void addEverywhere(int latent, float error) {
    axpy(error, latent, everywhere, 0);
  }

  private void axpy(float factor, int latent, float[] into, int at) {
    float[] rows = decoder.rows();
    int row = latent * width;
    for (int i = 0; i < width; i++) {
      into[at + i] += factor * rows[row + i];
    }
  }

  /** The latent's part in the errors that are the same everywhere. */
  float alongEverywhere(int latent) {
    return dot(latent, everywhere, 0);
  }

  /** How far the rest of a position's error points where a latent writes. */
  float along(int position, int latent) {
    return dot(latent, values, position * width);
  }

  private float dot(int latent, float[] from, int at) {
    float[] rows = decoder.rows();
    int row = latent * width;
    float a = 0;
    float b = 0;
    float c = 0;
    float e = 0;
    int i = 0;
    for (; i + 3 < width; i += 4) {
      a += from[at + i] * rows[row + i];
      b += from[at + i + 1] * rows[row + i + 1];
      c += from[at + i + 2] * rows[row + i + 2];
      e += from[at + i + 3] * rows[row + i + 3];
    }
    for (; i < width; i++) {
      a += from[at + i] * rows[row + i];
    }
    return a + b + (c + e);
  }
}
