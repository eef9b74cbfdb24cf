package dev.palimpsest.lexical;

import java.util.stream.IntStream;

/**
 * Refits latents in sequence to what all guesses together still lack: what is decoded is a sum, and
 * what one latent overstates another may understate. A latent's wanted rating at a position is its
 * guess less the part of the sum's error that points where the latent writes.
 *
 * <p>Latents are taken in blocks; within one, all see the residual as it was before the block. So
 * the result does not depend on the number of threads.
 */
final class JointRefit {
  private static final int BLOCK = 16;

  private final DecoderRows decoder;
  private final Residual residual;
  private final float[] units;
  private final ScorecardFitter.Fit[] fits;
  private final double price;

  /** What becomes of a latent. */
  private static final class Change {
    int[] at = new int[256];
    float[] amount = new float[256];
    int count;

    void add(int position, float difference) {
      if (count == at.length) {
        at = java.util.Arrays.copyOf(at, 2 * count);
        amount = java.util.Arrays.copyOf(amount, 2 * count);
      }
      at[count] = position;
      amount[count++] = difference;
    }
  }

  /**
   * @param residual of all fits
   * @param units [M] activation of a rating of 1
   * @param fits [M] of all latents; changed in place
   * @param price of a character, in squared error of what is decoded
   */
  JointRefit(
      DecoderRows decoder,
      Residual residual,
      float[] units,
      ScorecardFitter.Fit[] fits,
      double price) {
    this.decoder = decoder;
    this.residual = residual;
    this.units = units;
    this.fits = fits;
    this.price = price;
  }

  /**
   * Goes once over some latents in order.
   *
   * @param each runs work on numbered items with a fitter, on several threads
   */
  void sweep(int[] latents, LexicalExplainer.Parallel each) {
    for (int from = 0; from < latents.length; from += BLOCK) {
      int first = from;
      int size = Math.min(BLOCK, latents.length - from);
      Change[] changes = new Change[size];
      each.run(size, (fitter, i) -> changes[i] = refit(fitter, latents[first + i]));
      IntStream.range(0, size)
          .forEach(
              i -> {
                for (int c = 0; c < changes[i].count; c++) {
                  residual.add(
                      changes[i].at[c],
                      latents[first + i],
                      changes[i].amount[c] * units[latents[first + i]]);
                }
              });
    }
  }

  private Change refit(ScorecardFitter fitter, int latent) {
    Change change = new Change();
    double norm = decoder.norm(latent);
    double scale = units[latent] * norm * norm;
    if (!(scale > 0)) {
      return change;
    }
    float everywhere = residual.alongEverywhere(latent);
    double unit = units[latent] * norm;
    fits[latent] =
        fitter.refit(
            fits[latent],
            price / (unit * unit),
            residual.positions(),
            (position, rating) ->
                rating - (float) ((residual.along(position, latent) + everywhere) / scale),
            change::add);
    return change;
  }
}
