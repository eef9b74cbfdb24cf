package dev.palimpsest.latents;

/**
 * The files of a cache: equal ranges of latents, split as delphi does (torch's {@code linspace},
 * cut down to whole numbers).
 *
 * @param latents number of latents M
 * @param count number of ranges, at most M
 */
record LatentRanges(int latents, int count) {
  static final int USUAL = 5;

  static LatentRanges of(int latents) {
    return new LatentRanges(latents, Math.min(USUAL, latents));
  }

  /** First latent of a range; {@code start(count)} is M. */
  int start(int range) {
    return (int) ((long) latents * range / count);
  }

  /** The range a latent is in. */
  int rangeOf(int latent) {
    int range = (int) ((long) latent * count / latents);
    while (start(range) > latent) {
      range--;
    }
    while (start(range + 1) <= latent) {
      range++;
    }
    return range;
  }

  /** {@code <first>_<last>.safetensors}. */
  String file(int range) {
    return start(range) + "_" + (start(range + 1) - 1) + ".safetensors";
  }
}
