package dev.palimpsest.lexical;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.explain.Explainer;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.latents.LatentCache;
import dev.palimpsest.latents.LatentRecord;
import dev.palimpsest.text.TokenNames;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * Explains latents by the words around them: fits a {@link Scorecard} to a latent's cached
 * activations and writes it down (see the package). Uses no language model, and nothing of the
 * coder but the cache. The result depends on nothing but the cache and the configuration.
 */
public final class LexicalExplainer implements Explainer {
  /** The explainer's name in explanations. */
  public static final String NAME = "lexical";

  /** Latents tried to find out how far the characters go. */
  private static final int SAMPLE = 256;

  private final LexicalConfig config;
  private final TokenNames names;

  /**
   * @param names the vocabulary of the cache's tokens
   */
  public LexicalExplainer(LexicalConfig config, TokenNames names) {
    this.config = config;
    this.names = names;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Work begin(LatentCache cache) {
    int[] excluded = cache.header().excludedTokens().stream().mapToInt(id -> id).toArray();
    TokenRows text = TokenRows.of(cache.contextLength(), cache.tokens(), excluded, config.tokens());
    for (int token : text.tokens()) {
      if (token >= names.size()) {
        throw new PalimpsestException(
            "the latent cache has the token id "
                + token
                + ", the vocabulary "
                + names.size()
                + " tokens");
      }
    }
    PatternTable table = PatternTable.of(text, names, config.fewest(), config.mostShare());
    float leastWorth = leastWorth(cache, text, table);
    return (from, to, progress) -> explain(cache, text, table, leastWorth, from, to, progress);
  }

  private List<Explanation> explain(
      LatentCache cache,
      TokenRows text,
      PatternTable table,
      float leastWorth,
      int from,
      int to,
      IntConsumer progress) {
    AtomicInteger done = new AtomicInteger(from);
    Explanation[] explanations = new Explanation[to - from];
    forEach(
        table,
        explanations.length,
        (fitter, i) -> {
          LatentRecord firings = cache.activations(from + i);
          if (firings.count() > 0) {
            Firings fired = Firings.of(firings, text);
            Scorecard card = fitter.fit(fired.at, fired.ratings, leastWorth);
            explanations[i] = new Explanation(from + i, ScorecardText.format(card, names), NAME);
          }
          progress.accept(done.incrementAndGet());
        });
    List<Explanation> written = new ArrayList<>(explanations.length);
    for (Explanation explanation : explanations) {
      if (explanation != null) {
        written.add(explanation);
      }
    }
    return written;
  }

  /** Tries {@link #SAMPLE} evenly spaced latents. */
  private float leastWorth(LatentCache cache, TokenRows text, PatternTable table) {
    int[] alive = IntStream.range(0, cache.latents()).filter(i -> cache.count(i) > 0).toArray();
    int sample = Math.min(SAMPLE, alive.length);
    TextBudget.Course[] courses = new TextBudget.Course[sample];
    forEach(
        table,
        sample,
        (fitter, i) -> {
          int latent = alive[(int) ((long) i * alive.length / sample)];
          Firings fired = Firings.of(cache.activations(latent), text);
          courses[i] = new TextBudget.Course();
          fitter.trace(fired.at, fired.ratings, courses[i]);
        });
    return TextBudget.leastWorth(courses, config.characters());
  }

  /** Work on one item with a fitter of the thread's own. */
  @FunctionalInterface
  private interface Fitting {
    void on(ScorecardFitter fitter, int item);
  }

  private void forEach(PatternTable table, int items, Fitting work) {
    AtomicInteger next = new AtomicInteger();
    Workers.run(
        Math.min(config.threads(), items),
        () -> {
          ScorecardFitter fitter = new ScorecardFitter(table, names, config);
          for (int item = next.getAndIncrement(); item < items; item = next.getAndIncrement()) {
            work.on(fitter, item);
          }
          return true;
        });
  }

  /** Where a latent fired within the text, in the fitter's terms. */
  @SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
  private record Firings(int[] at, float[] ratings) {
    static Firings of(LatentRecord record, TokenRows text) {
      float unit = record.maximum() / Scorecard.MAXIMUM;
      int inText = 0;
      while (inText < record.count() && record.rows()[inText] < text.rows()) {
        inText++;
      }
      int[] at = new int[inText];
      float[] ratings = new float[inText];
      for (int i = 0; i < inText; i++) {
        at[i] = record.rows()[i] * text.contextLength() + record.positions()[i];
        ratings[i] = record.activations()[i] / unit;
      }
      return new Firings(at, ratings);
    }
  }
}
