package dev.palimpsest.train;

import java.util.OptionalDouble;

/**
 * What one batch told, measured on the way.
 *
 * @param step updates done so far, this batch's included
 * @param tokens rows trained on so far
 * @param fvu fraction of variance unexplained of this batch, before its update; empty where it is
 *     undefined: the batch has no row, or all its targets are equal
 * @param learningRate the rate of this batch's update
 * @param l0 latents active per row, mean over the batch; empty for a batch without rows
 * @param deadFraction see {@link CoderTrainer#deadFraction}
 */
public record StepStats(
    long step,
    long tokens,
    OptionalDouble fvu,
    double learningRate,
    OptionalDouble l0,
    double deadFraction) {}
