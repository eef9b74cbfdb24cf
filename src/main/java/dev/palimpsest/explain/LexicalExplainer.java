package dev.palimpsest.explain;

import dev.palimpsest.latents.LatentCache;
import dev.palimpsest.latents.LatentRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/**
 * Explains latents by the words around them: fits a {@link Scorecard} to a latent's cached
 * activations and writes it down (see the package). Uses no language model, and nothing of the
 * coder but the cache. The result depends on nothing but the cache and the configuration.
 */
public final class LexicalExplainer {
  /** The explainer's name in explanations. */
  public static final String NAME = "lexical";

  private final ExplainConfig config;
  private final TokenNames names;

  /**
   * @param names the vocabulary of the cache's tokens
   */
  public LexicalExplainer(ExplainConfig config, TokenNames names) {
    this.config = config;
    this.names = names;
  }

  /**
   * Explains every latent that ever fired.
   *
   * @param progress is told the number of latents done so far, from any thread
   * @return in ascending order of latents
   */
  public List<Explanation> explain(LatentCache cache, IntConsumer progress) {
    int[] excluded = cache.header().excludedTokens().stream().mapToInt(id -> id).toArray();
    TokenRows text = TokenRows.of(cache.contextLength(), cache.tokens(), excluded, config.tokens());
    PatternTable table = PatternTable.of(text, names, config.fewest(), config.mostShare());
    AtomicInteger next = new AtomicInteger();
    AtomicInteger done = new AtomicInteger();
    Explanation[] explanations = new Explanation[cache.latents()];
    Callable<Boolean> worker =
        () -> {
          ScorecardFitter fitter = new ScorecardFitter(table, names, config);
          int latent = next.getAndIncrement();
          while (latent < explanations.length) {
            LatentRecord firings = cache.activations(latent);
            if (firings.count() > 0) {
              Scorecard card = fit(fitter, text, firings);
              explanations[latent] =
                  new Explanation(latent, ScorecardText.format(card, names), NAME);
            }
            progress.accept(done.incrementAndGet());
            latent = next.getAndIncrement();
          }
          return true;
        };
    Workers.run(config.threads(), worker);
    List<Explanation> written = new ArrayList<>(explanations.length);
    for (Explanation explanation : explanations) {
      if (explanation != null) {
        written.add(explanation);
      }
    }
    return written;
  }

  private static Scorecard fit(ScorecardFitter fitter, TokenRows text, LatentRecord firings) {
    float unit = firings.maximum() / Scorecard.MAXIMUM;
    int inText = 0;
    while (inText < firings.count() && firings.rows()[inText] < text.rows()) {
      inText++;
    }
    int[] at = new int[inText];
    float[] ratings = new float[inText];
    for (int i = 0; i < inText; i++) {
      at[i] = firings.rows()[i] * text.contextLength() + firings.positions()[i];
      ratings[i] = firings.activations()[i] / unit;
    }
    return fitter.fit(at, ratings);
  }
}
