package dev.palimpsest.evaluate;

/**
 * One coder's figures on held-out text while training.
 *
 * @param fvu fraction of variance unexplained
 * @param ceLossScore SAEBench's (CE_zero_output − CE_coder) / (CE_zero_output − CE_unspliced)
 * @param l0 latents above 0 per token
 * @param fracAlive share of the latents that fired at least once on this text
 */
public record HeldOut(double fvu, double ceLossScore, double l0, double fracAlive) {}
