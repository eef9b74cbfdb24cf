package dev.palimpsest.train;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.palimpsest.evaluate.HeldOut;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * One line of {@code metrics.jsonl}. The figures at the top are the first coder's; held-out ones
 * only where this step was followed by an evaluation.
 *
 * @param step 1-based
 * @param tokens read so far
 * @param fvu of this step's batch, before the update; null where it is undefined
 * @param lr of this step's update
 * @param l0 latents above 0 per token of the batch; null for a batch without tokens
 * @param deadFraction share of latents that are dead
 * @param heldOutFvu on held-out text
 * @param ceLossScore on held-out text
 * @param warning what a person should know of the held-out figures
 * @param coders the same for every coder
 */
@JsonInclude(JsonInclude.Include.NON_ABSENT)
record MetricsLine(
    long step,
    long tokens,
    @JsonInclude(JsonInclude.Include.ALWAYS) Optional<Double> fvu,
    double lr,
    @JsonInclude(JsonInclude.Include.ALWAYS) Optional<Double> l0,
    double deadFraction,
    Optional<Double> heldOutFvu,
    Optional<Double> ceLossScore,
    Optional<String> warning,
    List<OfCoder> coders) {

  /** The figures of one coder. */
  @JsonInclude(JsonInclude.Include.NON_ABSENT)
  record OfCoder(
      String coder,
      @JsonInclude(JsonInclude.Include.ALWAYS) Optional<Double> fvu,
      double lr,
      @JsonInclude(JsonInclude.Include.ALWAYS) Optional<Double> l0,
      double deadFraction,
      Optional<Double> heldOutFvu,
      Optional<Double> ceLossScore,
      Optional<String> warning) {
    static OfCoder of(String coder, StepStats stats, Optional<HeldOut> heldOut) {
      return new OfCoder(
          coder,
          finite(stats.fvu()),
          stats.learningRate(),
          finite(stats.l0()),
          stats.deadFraction(),
          heldOut.flatMap(figures -> finite(figures.fvu())),
          heldOut.flatMap(figures -> finite(figures.ceLossScore())),
          heldOut.flatMap(figures -> StepFaults.warning(coder, figures.fvu())));
    }

    /** A figure that is no number has no place in JSON. */
    private static Optional<Double> finite(OptionalDouble figure) {
      return figure.isPresent() && Double.isFinite(figure.getAsDouble())
          ? Optional.of(figure.getAsDouble())
          : Optional.empty();
    }
  }

  /**
   * @param stats of each of {@code coders}
   * @param heldOut of each, or empty where there was no evaluation
   */
  static MetricsLine of(
      long step,
      long tokens,
      List<TrainedCoder> coders,
      List<StepStats> stats,
      List<HeldOut> heldOut) {
    List<OfCoder> each = new ArrayList<>();
    for (int i = 0; i < coders.size(); i++) {
      Optional<HeldOut> own = heldOut.isEmpty() ? Optional.empty() : Optional.of(heldOut.get(i));
      each.add(OfCoder.of(coders.get(i).name(), stats.get(i), own));
    }
    OfCoder first = each.get(0);
    return new MetricsLine(
        step,
        tokens,
        first.fvu(),
        first.lr(),
        first.l0(),
        first.deadFraction(),
        first.heldOutFvu(),
        first.ceLossScore(),
        first.warning(),
        each);
  }
}
