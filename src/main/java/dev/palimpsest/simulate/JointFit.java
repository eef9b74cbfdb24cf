package dev.palimpsest.simulate;

/**
 * What the joint calibration adds to {@code conditional-mean}: latent m is guessed at {@code
 * scale[m]} times what that says, and {@code offset[m]} times its decoder row is added to the
 * output at every token, so that the mean of the output stays what it was.
 *
 * @param scale [M] between 0 and 4
 * @param offset [M] in the latent's units, of either sign
 */
@SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
public record JointFit(float[] scale, float[] offset) {}
