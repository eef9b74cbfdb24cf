package dev.palimpsest.evaluate;

import java.util.OptionalDouble;

/**
 * One coder's figures on held-out text while training.
 *
 * @param fvu fraction of variance unexplained; empty where the text's targets have no variance
 * @param ceLossScore SAEBench's (CE_zero_output − CE_coder) / (CE_zero_output − CE_unspliced);
 *     empty where the zero vector costs nothing
 * @param l0 latents above 0 per token
 * @param fracAlive share of the latents that fired at least once on this text
 */
public record HeldOut(OptionalDouble fvu, OptionalDouble ceLossScore, double l0, double fracAlive) {
  /** From ratios that may be undefined: what is not finite is left out. */
  public static HeldOut of(double fvu, double ceLossScore, double l0, double fracAlive) {
    return new HeldOut(finite(fvu), finite(ceLossScore), l0, fracAlive);
  }

  private static OptionalDouble finite(double ratio) {
    return Double.isFinite(ratio) ? OptionalDouble.of(ratio) : OptionalDouble.empty();
  }
}
