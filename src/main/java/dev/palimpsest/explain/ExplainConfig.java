package dev.palimpsest.explain;

/**
 * How the lexical explainer works.
 *
 * @param characters the longest text of a latent
 * @param fewest occurrences in the explained text below which a pattern is not considered
 * @param mostShare share of positions above which a token pattern is not considered
 * @param prior imagined firings, without a difference, behind every pattern
 * @param toll likelihood that a pattern must gain before it counts for anything, in units of the
 *     dispersion
 * @param polish sweeps over the points at the end
 * @param tokens at most so many tokens of the cache are looked at
 * @param threads worker threads
 */
public record ExplainConfig(
    int characters,
    int fewest,
    double mostShare,
    double prior,
    double toll,
    int polish,
    int tokens,
    int threads) {
  /** About 400 characters a latent. */
  public static ExplainConfig defaults() {
    return new ExplainConfig(
        400, 3, 0.2, 0.5, 2, 2, 250_000, Math.max(1, Runtime.getRuntime().availableProcessors()));
  }
}
