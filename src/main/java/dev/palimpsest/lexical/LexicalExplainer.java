package dev.palimpsest.lexical;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Progress;
import dev.palimpsest.explain.Explainer;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.latents.LatentCache;
import dev.palimpsest.latents.LatentRecord;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * Explains latents by the words around them: fits a {@link Scorecard} to a latent's cached
 * activations and writes it down (see the package). Uses no language model, and nothing of the
 * coder but the cache and the decoder's rows. The result depends on nothing but these and the
 * configuration.
 */
public final class LexicalExplainer implements Explainer {
  /** The explainer's name in explanations. */
  public static final String NAME = "lexical";

  /** Latents tried to find out what a character must be worth. */
  private static final int SAMPLE = 256;

  /** One in so many of them is tried while the price is far off. */
  private static final int THIN = 8;

  private static final double LEAST = 1e-12;

  /** However large the glossary, so much of what is wanted is left for texts. */
  private static final double LEAST_SHARE = 0.25;

  private static final String PRICING = "finding what a character must be worth";

  /** Trials that it usually takes, as often as there are latents in the sample. */
  private static final int USUAL_TRIALS = 4;

  private final LexicalConfig config;
  private final Lexicon lexicon;
  private final DecoderRows decoder;

  /**
   * @param lexicon what texts can name: the vocabulary of the cache's tokens, and its word classes
   * @param decoder what the latents write
   */
  public LexicalExplainer(LexicalConfig config, Lexicon lexicon, DecoderRows decoder) {
    this.config = config;
    this.lexicon = lexicon;
    this.decoder = decoder;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Work begin(LatentCache cache, Progress progress) {
    TokenRows text = TokenRows.of(cache, config.tokens());
    for (int token : text.tokens()) {
      if (token >= lexicon.names().size()) {
        throw new PalimpsestException(
            "the latent cache has the token id "
                + token
                + ", the vocabulary "
                + lexicon.names().size()
                + " tokens");
      }
    }
    PatternTable table = PatternTable.of(text, lexicon, config.fewest(), config.mostShare());
    Fitters fitters = new Fitters(table);
    double price = price(cache, text, fitters, progress);
    return (from, to, told) -> explain(cache, text, fitters, price, from, to, told);
  }

  private List<Explanation> explain(
      LatentCache cache,
      TokenRows text,
      Fitters fitters,
      double price,
      int from,
      int to,
      IntConsumer told) {
    String[] texts = new String[to - from];
    AtomicInteger done = new AtomicInteger(from);
    fitters.run(
        texts.length,
        (fitter, i) -> {
          texts[i] = text(fitter, cache.activations(from + i), text, price);
          told.accept(done.incrementAndGet());
        });
    return IntStream.range(from, to)
        .filter(latent -> cache.count(latent) > 0)
        .mapToObj(latent -> new Explanation(latent, texts[latent - from], NAME))
        .toList();
  }

  /**
   * @param price what a character must take away of the squared error of all that is decoded
   */
  private String text(ScorecardFitter fitter, LatentRecord firings, TokenRows text, double price) {
    Firings fired = Firings.of(firings, text);
    double unit = firings.maximum() / Scorecard.MAXIMUM * decoder.norm(firings.latent());
    Scorecard card =
        fitter.fit(fired.at, fired.ratings, unit > 0 ? price / (unit * unit) : Double.MAX_VALUE);
    return EnglishWriter.write(card, lexicon);
  }

  /**
   * The price at which texts have the wanted mean length, from {@link #SAMPLE} evenly spaced
   * latents: so a character more would do about equally much good anywhere.
   */
  private double price(LatentCache cache, TokenRows text, Fitters fitters, Progress progress) {
    int[] alive = IntStream.range(0, cache.latents()).filter(i -> cache.count(i) > 0).toArray();
    int[] sample =
        IntStream.range(0, Math.min(SAMPLE, alive.length))
            .map(i -> alive[(int) ((long) i * alive.length / Math.min(SAMPLE, alive.length))])
            .toArray();
    double squares = 0;
    for (int latent : sample) {
      double norm = decoder.norm(latent);
      for (float activation : cache.activations(latent).activations()) {
        squares += activation * activation * norm * norm;
      }
    }
    if (!(squares > 0 && Double.isFinite(squares))) {
      // Nothing fires, or nothing it writes matters: no text pays, and no price would be low
      // enough.
      return Double.MAX_VALUE;
    }
    PriceSearch search =
        new PriceSearch(wanted(alive.length), squares / sample.length, squares * LEAST);
    int thin = sample.length < SAMPLE ? 1 : THIN;
    int[] few = IntStream.range(0, sample.length).filter(i -> i % thin == 0).toArray();
    AtomicInteger fits = new AtomicInteger();
    Runnable fitted =
        () -> {
          int done = fits.incrementAndGet();
          progress.advanced(PRICING, "trials", done, Math.max(done, USUAL_TRIALS * sample.length));
        };
    return search.find(
        price -> meanLength(cache, text, fitters, few, price, fitted),
        price -> meanLength(cache, text, fitters, sample, price, fitted));
  }

  /** The mean length that is left for texts: each also pays its share of the glossary. */
  private double wanted(int texts) {
    double share = (double) lexicon.glossary().text(lexicon.names()).length() / texts;
    return Math.max(config.characters() - share, config.characters() * LEAST_SHARE);
  }

  private double meanLength(
      LatentCache cache,
      TokenRows text,
      Fitters fitters,
      int[] sample,
      double price,
      Runnable fitted) {
    int[] lengths = new int[sample.length];
    fitters.run(
        sample.length,
        (fitter, i) -> {
          lengths[i] = text(fitter, cache.activations(sample[i]), text, price).length();
          fitted.run();
        });
    return IntStream.of(lengths).average().orElse(0);
  }

  /** Work on one item with a fitter of the thread's own. */
  @FunctionalInterface
  interface Fitting {
    void on(ScorecardFitter fitter, int item);
  }

  /** A fitter a thread, made when first needed. */
  private final class Fitters {
    private final PatternTable table;
    private final Queue<ScorecardFitter> idle = new ConcurrentLinkedQueue<>();

    Fitters(PatternTable table) {
      this.table = table;
    }

    void run(int items, Fitting work) {
      AtomicInteger next = new AtomicInteger();
      Workers.run(
          Math.min(config.threads(), items),
          () -> {
            ScorecardFitter waiting = idle.poll();
            ScorecardFitter fitter =
                waiting == null ? new ScorecardFitter(table, lexicon, config) : waiting;
            for (int item = next.getAndIncrement(); item < items; item = next.getAndIncrement()) {
              work.on(fitter, item);
            }
            idle.add(fitter);
            return true;
          });
    }
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
