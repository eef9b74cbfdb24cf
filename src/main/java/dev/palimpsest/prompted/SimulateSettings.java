package dev.palimpsest.prompted;

/**
 * How a language model is asked to simulate.
 *
 * @param windowTokens the most tokens of context that it is shown
 * @param wholeWindows whether all tokens of a window are asked for together
 * @param renormalise whether the probabilities of the digits are made to add up to 1
 */
public record SimulateSettings(int windowTokens, boolean wholeWindows, boolean renormalise) {}
