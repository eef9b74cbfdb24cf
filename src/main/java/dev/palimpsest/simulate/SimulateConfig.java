package dev.palimpsest.simulate;

/**
 * How calibrations are fitted.
 *
 * @param tokens at most so many tokens of the calibrate split are run (whole windows; tokens of
 *     windows that overlap count in each)
 * @param batchTokens tokens of a forward pass
 * @param seed chooses the windows where there are more
 * @param jointTokens the joint calibration is fitted on at most so many tokens of these, counted in
 *     the same way; 0: it is not fitted
 */
public record SimulateConfig(long tokens, int batchTokens, long seed, long jointTokens) {
  /** A quarter of a million tokens, 8192 a batch. */
  public static SimulateConfig defaults() {
    return new SimulateConfig(250_000, 8192, 0, 0);
  }
}
