package dev.palimpsest.kernels;

/** Which latents of a row are kept ({@code pal_activation}). */
public enum Activation {
  /** The k largest of all latents. */
  TOPK(0),
  /** The largest of each of k groups of M/k consecutive latents. */
  GROUPMAX(1);

  private final int code;

  Activation(int code) {
    this.code = code;
  }

  /** The number that stands for it in the header. */
  int code() {
    return code;
  }
}
