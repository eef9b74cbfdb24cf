package dev.palimpsest.llm;

/**
 * What a server asks for.
 *
 * @param prompt for a million tokens of prompts
 * @param written for a million tokens written
 */
public record Prices(double prompt, double written) {
  /** Nothing. */
  public static final Prices NONE = new Prices(0, 0);

  /** Cost of answers. */
  public double of(Usage usage) {
    return (prompt * usage.promptTokens() + written * usage.writtenTokens()) / 1e6;
  }
}
