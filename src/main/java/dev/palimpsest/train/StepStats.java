package dev.palimpsest.train;

/**
 * What one batch told, measured on the way.
 *
 * @param step updates done so far, this batch's included
 * @param tokens rows trained on so far
 * @param fvu fraction of variance unexplained of this batch, before its update; NaN or infinite for
 *     a constant batch
 * @param learningRate the rate of this batch's update
 * @param l0 latents active per row, mean over the batch
 * @param deadFraction see {@link CoderTrainer#deadFraction}
 */
public record StepStats(
    long step, long tokens, double fvu, double learningRate, double l0, double deadFraction) {}
