package dev.palimpsest.prompted;

/**
 * How a language model is asked for explanations.
 *
 * @param method what it is shown
 * @param windows examples of a latent, from ten classes of strength
 * @param windowLength tokens of an example
 * @param temperature of the answer
 * @param maxTokens of the answer
 * @param seed of examples and answers
 */
public record ExplainSettings(
    ExplainMethod method,
    int windows,
    int windowLength,
    double temperature,
    int maxTokens,
    long seed) {}
