package dev.palimpsest.report;

import java.util.List;
import java.util.OptionalDouble;

/**
 * How one coder's training went.
 *
 * @param coder name shown in the legend, e.g. "layers.2.mlp" or "layers.2.mlp seed 1"
 * @param steps in ascending order of step; long runs are thinned when drawn
 * @param heldOut evaluations on held-out text, in ascending order of step; may be empty
 */
public record TrainingCurve(String coder, List<Step> steps, List<HeldOut> heldOut) {
  /** Copies the lists. */
  public TrainingCurve {
    steps = List.copyOf(steps);
    heldOut = List.copyOf(heldOut);
  }

  /**
   * @param step optimiser step, from 0 or 1
   * @param fvu fraction of variance unexplained on this step's batch
   */
  public record Step(long step, double fvu) {}

  /**
   * @param step optimiser step before which (or after which) the coder was evaluated
   * @param fvu fraction of variance unexplained on held-out text
   * @param ceLossScore (CE_zero_output - CE_coder) / (CE_zero_output - CE_unspliced), where
   *     measured
   */
  public record HeldOut(long step, double fvu, OptionalDouble ceLossScore) {}
}
