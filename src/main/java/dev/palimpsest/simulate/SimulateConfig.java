package dev.palimpsest.simulate;

/**
 * How calibrations are fitted.
 *
 * @param tokens at most so many tokens of the calibrate split are read (whole windows)
 * @param batchRows windows per forward pass
 * @param seed chooses the windows where there are more
 */
public record SimulateConfig(long tokens, int batchRows, long seed) {
  /** A quarter of a million tokens, 32 windows a batch. */
  public static SimulateConfig defaults() {
    return new SimulateConfig(250_000, 32, 0);
  }
}
