package dev.palimpsest.prompted;

/**
 * How a language model is asked to simulate.
 *
 * @param windowTokens the most tokens of context that it is shown
 * @param renormalise whether the probabilities of the digits are made to add up to 1
 */
public record SimulateSettings(int windowTokens, boolean renormalise) {
  /** The paper's: windows of 32 tokens, probabilities as they are. */
  public static SimulateSettings paper() {
    return new SimulateSettings(32, false);
  }
}
