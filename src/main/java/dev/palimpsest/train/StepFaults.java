package dev.palimpsest.train;

import dev.palimpsest.activations.NonFiniteActivations;
import dev.palimpsest.activations.Rows;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.coder.ParameterSet;
import dev.palimpsest.kernels.Addresses;
import dev.palimpsest.kernels.Memory;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.TokenBatch;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import org.bytedeco.javacpp.FloatPointer;

/**
 * Tells what is wrong with a step whose figures are not those of training: the language model's own
 * numbers, the coder's, or a batch without variance. Looks at nothing while a step's FVU is
 * ordinary.
 */
final class StepFaults {
  /**
   * A batch's FVU above this is a diverged coder. Far above anything a step meets on its way: a
   * batch whose variance happens to be small may come to thousands.
   */
  static final double MOST_FVU_OF_A_BATCH = 1e6;

  /** A run that ends with a held-out FVU above this has failed; from 1 to here it is warned of. */
  static final double MOST_FVU_AT_THE_END = 100;

  /**
   * A batch's variance below this share of its sum of squares is rounding: its targets are equal.
   */
  private static final double ROUNDING = 1e-9;

  private static final int BLOCK = 1 << 14;

  private static final String REMEDY =
      "; start anew with a lower learning rate, or with another optimizer";

  private final LanguageModel model;
  private final Rows activations;

  StepFaults(LanguageModel model, Rows activations) {
    this.model = model;
    this.activations = activations;
  }

  /**
   * The figures as they are to be told: a batch whose targets are equal but for rounding has no
   * FVU.
   */
  StepStats judged(TrainedCoder coder, StepStats stats) {
    return !ordinary(stats) && equalButForRounding(activations.y(coder.hook()))
        ? new StepStats(
            stats.step(),
            stats.tokens(),
            OptionalDouble.empty(),
            stats.learningRate(),
            stats.l0(),
            stats.deadFraction())
        : stats;
  }

  /**
   * Makes sure that a step went well.
   *
   * @param batch that {@code activations} holds the rows of
   * @throws PalimpsestException naming the layer whose activations are not finite, or the coder
   *     that has diverged
   */
  void require(TrainedCoder coder, StepStats stats, TokenBatch batch) {
    if (ordinary(stats)) {
      return;
    }
    requireFiniteActivations("step " + stats.step(), batch);
    throw new PalimpsestException(
        "training of "
            + coder.name()
            + " has diverged: "
            + nonFinite(coder.trainer().coder().parameters())
                .map(what -> "after step " + stats.step() + " " + what)
                .orElseGet(
                    () ->
                        String.format(
                            Locale.ROOT,
                            "the FVU of step %d is %.3g, above %.0e",
                            stats.step(),
                            stats.fvu().getAsDouble(),
                            MOST_FVU_OF_A_BATCH))
            + REMEDY);
  }

  /**
   * Makes sure that the language model's numbers are numbers.
   *
   * @param when for the message
   * @throws PalimpsestException naming the first module whose output is not finite
   */
  void requireFiniteActivations(String when, TokenBatch batch) {
    NonFiniteActivations.refuse(model, batch, when);
  }

  /** What a person should know of a held-out FVU: that the mean alone would do better. */
  static Optional<String> warning(String coder, OptionalDouble fvu) {
    return fvu.isPresent() && fvu.getAsDouble() > 1
        ? Optional.of(
            String.format(
                Locale.ROOT,
                "the held-out FVU of %s is %.4g, above 1: worse than predicting the mean; train"
                    + " longer, or with a lower learning rate",
                coder,
                fvu.getAsDouble()))
        : Optional.empty();
  }

  /**
   * Makes sure that a run did not end far from anything of use.
   *
   * @param fvu on held-out text, where defined
   * @throws PalimpsestException where it is above {@link #MOST_FVU_AT_THE_END}
   */
  static void requireUseful(String coder, OptionalDouble fvu) {
    if (fvu.isPresent() && fvu.getAsDouble() > MOST_FVU_AT_THE_END) {
      throw new PalimpsestException(
          String.format(
              Locale.ROOT,
              "training of %s has diverged: its held-out FVU is %.3g at the end, above %.0f%s",
              coder,
              fvu.getAsDouble(),
              MOST_FVU_AT_THE_END,
              REMEDY));
    }
  }

  /** Whether a step's FVU is undefined, or that of training. */
  static boolean ordinary(StepStats stats) {
    double fvu = stats.fvu().orElse(0);
    return Double.isFinite(fvu) && fvu <= MOST_FVU_OF_A_BATCH;
  }

  private boolean equalButForRounding(FloatPointer y) {
    int width = activations.width();
    int rows = activations.rows();
    double[] sums = new double[width];
    double[] squares = new double[width];
    float[] row = new float[width];
    Memory memory = model.device().memory();
    for (int r = 0; r < rows; r++) {
      memory.get(Addresses.from(y, (long) r * width), row, width);
      for (int i = 0; i < width; i++) {
        sums[i] += row[i];
        squares[i] += (double) row[i] * row[i];
      }
    }
    double all = 0;
    double aroundMean = 0;
    for (int i = 0; i < width; i++) {
      all += squares[i];
      aroundMean += squares[i] - sums[i] * sums[i] / rows;
    }
    return Double.isFinite(all) && aroundMean <= ROUNDING * all;
  }

  /** The first parameter that is no number, e.g. "encoder.weight holds NaN". */
  private static Optional<String> nonFinite(ParameterSet parameters) {
    float[] block = new float[BLOCK];
    for (ParameterSet.Part part : parameters.parts()) {
      for (long start = 0; start < part.elements(); start += BLOCK) {
        int count = (int) Math.min(BLOCK, part.elements() - start);
        parameters.where().get(Addresses.from(part.values(), start), block, count);
        for (int i = 0; i < count; i++) {
          if (!Float.isFinite(block[i])) {
            return Optional.of("its " + part.name() + " holds " + block[i]);
          }
        }
      }
    }
    return Optional.empty();
  }
}
