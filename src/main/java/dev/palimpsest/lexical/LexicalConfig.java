package dev.palimpsest.lexical;

/**
 * How the lexical explainer works.
 *
 * @param characters mean length of a latent's text that is aimed at, its share of the glossary
 *     included; latents about which more can be said, and that matter more, get more of it
 * @param longest the longest text of a latent
 * @param fewest occurrences in the explained text below which a pattern is not considered
 * @param mostShare share of positions above which a token pattern is not considered
 * @param prior imagined firings, without a difference, behind every pattern
 * @param toll likelihood that a pattern must gain before it counts for anything, in units of the
 *     dispersion
 * @param shrink imagined positions, without a difference, that degrees are shrunk by
 * @param polish sweeps over the degrees at the end
 * @param tokens at most so many tokens of the cache are looked at
 * @param threads worker threads
 */
public record LexicalConfig(
    int characters,
    int longest,
    int fewest,
    double mostShare,
    double prior,
    double toll,
    double shrink,
    int polish,
    int tokens,
    int threads) {
  /** About 300 characters a latent. */
  public static LexicalConfig defaults() {
    return new LexicalConfig(
        300,
        600,
        3,
        0.2,
        0.5,
        2,
        1,
        2,
        600_000,
        Math.max(1, Runtime.getRuntime().availableProcessors()));
  }

  /** The same aiming at another length; the longest text has twice as much. */
  public LexicalConfig withCharacters(int wanted) {
    return new LexicalConfig(
        wanted, 2 * wanted, fewest, mostShare, prior, toll, shrink, polish, tokens, threads);
  }

  /** The same looking at no more than so many tokens of the cache. */
  public LexicalConfig withTokens(int wanted) {
    return new LexicalConfig(
        characters, longest, fewest, mostShare, prior, toll, shrink, polish, wanted, threads);
  }

  /** The same on another number of threads. */
  public LexicalConfig withThreads(int wanted) {
    return new LexicalConfig(
        characters, longest, fewest, mostShare, prior, toll, shrink, polish, tokens, wanted);
  }
}
