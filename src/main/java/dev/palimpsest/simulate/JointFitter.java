package dev.palimpsest.simulate;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.latents.LatentBatch;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.LongUnaryOperator;

/**
 * Fits the joint calibration of one predictor, batch by batch: one scale a latent, all solved
 * together against the module's output, after {@code conditional-mean} has been fitted latent by
 * latent. How strongly scales are held at 1 is chosen by two folds over documents. Not for
 * concurrent use.
 */
public final class JointFitter {
  /** The matrices grow with the square of M; with more latents they are refused. */
  public static final int MOST_LATENTS = 16_384;

  /** The largest scale. */
  static final float MOST = 4;

  /** Choices of lambda in units of the mean diagonal of the system, weakest first. */
  private static final double[] STRENGTHS = {.01, .1, 1, 10, 100};

  private final LatentPredictor predictor;
  private final LongUnaryOperator documents;
  private final JointSystem[] folds;
  private long[] entries = new long[64];
  private int[] latents = new int[64];
  private float[] differences = new float[64];

  /**
   * @param predictor guesses by {@code conditional-mean}
   * @param decoder rows of the coder [M][d]
   * @param documents the document of each row of the stream of batches
   */
  JointFitter(LatentPredictor predictor, float[][] decoder, LongUnaryOperator documents) {
    requireRoom(predictor.latents(), "the joint calibration");
    this.predictor = predictor;
    this.documents = documents;
    folds = new JointSystem[] {new JointSystem(decoder), new JointSystem(decoder)};
  }

  /**
   * Makes sure, before anything is computed, that the matrices have room.
   *
   * @param what names the coder or setting in the message
   * @throws PalimpsestException saying how much memory is needed
   */
  public static void requireRoom(int latents, String what) {
    long bytes = 4L * latents * (latents + 1L);
    long most = Runtime.getRuntime().maxMemory();
    if (latents > MOST_LATENTS || bytes > most) {
      throw new PalimpsestException(
          String.format(
              Locale.ROOT,
              "%s: calibration 'joint' of %,d latents needs matrices of %,d MiB, expected at most"
                  + " %,d latents and the %,d MiB that Java may use (more with"
                  + " PALIMPSEST_JAVA_OPTS=-Xmx…)",
              what,
              latents,
              bytes >> 20,
              MOST_LATENTS,
              most >> 20));
    }
  }

  /** Adds windows; the outputs of the batch are the targets. */
  void add(LatentBatch batch) {
    int length = batch.length();
    int width = batch.outputs().length / Math.max(1, batch.kept().length);
    int next = 0;
    predictor.announce(SimulatedContext.of(batch));
    for (int row = 0; row < batch.rows(); row++) {
      int first = row * length;
      int from = next;
      while (next < batch.kept().length && batch.kept()[next] < first + length) {
        next++;
      }
      if (next > from) {
        JointSystem fold = folds[(int) (documents.applyAsLong(batch.firstRow() + row) & 1)];
        add(fold, batch, row, from, next, width);
      }
    }
  }

  private void add(JointSystem fold, LatentBatch batch, int row, int from, int to, int width) {
    int first = row * batch.length();
    int[] at = {from};
    int[] count = {0};
    float[] defaults = predictor.defaults();
    predictor.predict(
        batch.row(row),
        (position, latent, activation) -> {
          while (at[0] < to && batch.kept()[at[0]] < first + position) {
            take(fold, count, batch.outputs(), at[0]++ * width);
          }
          if (at[0] < to && batch.kept()[at[0]] == first + position) {
            if (count[0] == entries.length) {
              entries = Arrays.copyOf(entries, 2 * count[0]);
            }
            float difference = activation - defaults[latent];
            entries[count[0]++] =
                ((long) latent << 32) | (Float.floatToRawIntBits(difference) & 0xFFFF_FFFFL);
          }
        });
    while (at[0] < to) {
      take(fold, count, batch.outputs(), at[0]++ * width);
    }
  }

  /** Ends one token. */
  private void take(JointSystem fold, int[] count, float[] outputs, int offset) {
    Arrays.sort(entries, 0, count[0]);
    if (latents.length < count[0]) {
      latents = new int[entries.length];
      differences = new float[entries.length];
    }
    for (int i = 0; i < count[0]; i++) {
      latents[i] = (int) (entries[i] >>> 32);
      differences[i] = Float.intBitsToFloat((int) entries[i]);
    }
    fold.add(latents, differences, count[0], outputs, offset);
    count[0] = 0;
  }

  /** Ends the collection. */
  JointFit fit() {
    for (JointSystem fold : folds) {
      fold.decode();
    }
    double strength = strength();
    JointSystem all = folds[0];
    all.merge(folds[1]);
    int size = predictor.latents();
    double[] scales = ones(size);
    double lambda = strength * all.meanDiagonal();
    if (lambda > 0 && Double.isFinite(lambda)) {
      scales = clamped(all.solve(lambda));
    }
    float[] scale = new float[size];
    float[] offset = new float[size];
    for (int i = 0; i < size; i++) {
      scale[i] = (float) scales[i];
      double mean = predictor.defaults()[i] + all.sum(i) / Math.max(1, all.tokens());
      offset[i] = (float) (mean * (1 - scale[i]));
    }
    return new JointFit(scale, offset);
  }

  /**
   * The strength whose scales, fitted on either fold, have the least error on the other; infinite
   * where leaving all scales at 1 has less.
   */
  private double strength() {
    double best = Double.POSITIVE_INFINITY;
    double least = folds[0].error(ones(predictor.latents()));
    least += folds[1].error(ones(predictor.latents()));
    if (folds[0].tokens() == 0 || folds[1].tokens() == 0) {
      return best;
    }
    for (double strength : STRENGTHS) {
      double error = 0;
      for (int held = 0; held < folds.length; held++) {
        JointSystem fitted = folds[1 - held];
        double lambda = strength * fitted.meanDiagonal();
        error += lambda > 0 ? folds[held].error(clamped(fitted.solve(lambda))) : 0;
      }
      if (error < least) {
        least = error;
        best = strength;
      }
    }
    return best;
  }

  private static double[] ones(int size) {
    double[] ones = new double[size];
    Arrays.fill(ones, 1);
    return ones;
  }

  /** A guess is never below 0, nor so large that it stands for something else than its latent. */
  private static double[] clamped(double[] scales) {
    for (int i = 0; i < scales.length; i++) {
      scales[i] = Math.min(MOST, Math.max(0, scales[i]));
    }
    return scales;
  }
}
