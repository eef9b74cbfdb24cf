package dev.palimpsest.simulate;

/**
 * The mean output of the hooked module and the mean activation of every latent over the calibration
 * text, zeros included, excluded tokens not.
 *
 * @param output [d]; not to be changed
 * @param latents [M]; not to be changed
 */
@SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
public record CalibrationMeans(float[] output, float[] latents) {}
