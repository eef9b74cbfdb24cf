package dev.palimpsest.llm;

/**
 * What answers took, as the server counts it.
 *
 * @param calls requests that were answered; failed tries do not count
 * @param promptTokens read
 * @param writtenTokens written
 */
public record Usage(long calls, long promptTokens, long writtenTokens) {
  /** Nothing. */
  public static final Usage NONE = new Usage(0, 0, 0);

  /** Both together. */
  public Usage plus(Usage other) {
    return new Usage(
        calls + other.calls,
        promptTokens + other.promptTokens,
        writtenTokens + other.writtenTokens);
  }
}
