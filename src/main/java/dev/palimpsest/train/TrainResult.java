package dev.palimpsest.train;

import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * What a training run ends with; the object that {@code palimpsest train --json} prints.
 *
 * @param fvu of the first coder on held-out text (the calibrate split); null where that text's
 *     targets have no variance
 * @param ceLossScore of the first coder, SAEBench's (CE_zero_output − CE_coder) / (CE_zero_output −
 *     CE_unspliced); null where the zero vector costs nothing
 * @param tokens read by the whole run
 * @param steps of the whole run
 * @param tokensPerSecond of the steps of the process that finished the run, without evaluations and
 *     checkpoints
 * @param deadFraction share of the first coder's latents that are dead
 * @param resumedFromStep steps that an earlier process had done; 0 for a run that was not resumed
 * @param precision of the language model's dense layers
 * @param peakDeviceBytes the most of a GPU's memory that was in use; empty on the CPU
 * @param coders the coders' folders
 * @param perCoder the figures of every coder, in the order of {@code coders}
 * @param metrics what {@code metrics.jsonl} was at the end
 * @param warnings what a person should know, a sentence each
 */
public record TrainResult(
    OptionalDouble fvu,
    OptionalDouble ceLossScore,
    long tokens,
    long steps,
    double tokensPerSecond,
    double deadFraction,
    long resumedFromStep,
    String precision,
    OptionalLong peakDeviceBytes,
    List<String> coders,
    List<PerCoder> perCoder,
    MetricsExtent metrics,
    List<String> warnings) {

  /** One coder's figures. */
  public record PerCoder(
      String coder,
      String hookpoint,
      OptionalLong seed,
      OptionalDouble fvu,
      OptionalDouble ceLossScore,
      double l0,
      double fracAlive,
      double deadFraction) {}

  /** The same, as told by a call that found nothing left to do. */
  TrainResult foundFinished(List<String> folders) {
    return new TrainResult(
        fvu,
        ceLossScore,
        tokens,
        steps,
        tokensPerSecond,
        deadFraction,
        steps,
        precision,
        peakDeviceBytes,
        folders,
        perCoder,
        metrics,
        warnings);
  }
}
