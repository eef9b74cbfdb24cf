package dev.palimpsest.train;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.palimpsest.evaluate.HeldOut;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One line of {@code metrics.jsonl}. The figures at the top are the first coder's; held-out ones
 * only where this step was followed by an evaluation.
 *
 * @param step 1-based
 * @param tokens read so far
 * @param fvu of this step's batch, before the update
 * @param lr of this step's update
 * @param l0 latents above 0 per token of the batch
 * @param deadFraction share of latents that are dead
 * @param heldOutFvu on held-out text
 * @param ceLossScore on held-out text
 * @param coders the same for every coder
 */
@JsonInclude(JsonInclude.Include.NON_ABSENT)
record MetricsLine(
    long step,
    long tokens,
    double fvu,
    double lr,
    double l0,
    double deadFraction,
    Optional<Double> heldOutFvu,
    Optional<Double> ceLossScore,
    List<OfCoder> coders) {

  /** The figures of one coder. */
  @JsonInclude(JsonInclude.Include.NON_ABSENT)
  record OfCoder(
      String coder,
      double fvu,
      double lr,
      double l0,
      double deadFraction,
      Optional<Double> heldOutFvu,
      Optional<Double> ceLossScore) {
    static OfCoder of(String coder, StepStats stats, Optional<HeldOut> heldOut) {
      return new OfCoder(
          coder,
          stats.fvu(),
          stats.learningRate(),
          stats.l0(),
          stats.deadFraction(),
          heldOut.map(HeldOut::fvu),
          heldOut.map(HeldOut::ceLossScore));
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
        each);
  }
}
