package dev.palimpsest.simulate;

import dev.palimpsest.latents.LatentCache;
import dev.palimpsest.latents.LatentWindow;
import dev.palimpsest.latents.WindowSampler;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * Scores explanations by detection: a judge who knows the explanation says of each of some windows,
 * half of them activating, whether the explanation matches; here the judge is whatever rates tokens
 * from the texts. The windows come from text that the explainer has not seen; the judge sees a
 * window alone.
 */
public final class DetectionScorer {
  private final ScoreConfig config;
  private final TokenRater rater;

  /** Rates tokens from explanations; see {@code dev.palimpsest.simulate.Simulator}. */
  public interface TokenRater {
    /** Whether the latent has an explanation. */
    boolean explained(int latent);

    /** The rating of each latent where nothing is reported, [M]. */
    float[] defaults();

    /** Reports (position, latent, rating) wherever the rating is not the default. */
    void rate(int[] context, Ratings sink);
  }

  /** Receives ratings. */
  @FunctionalInterface
  public interface Ratings {
    /** One rating, 0 … 10. */
    void accept(int position, int latent, float rating);
  }

  /**
   * @param rater built from the explanations to be scored
   */
  public DetectionScorer(ScoreConfig config, TokenRater rater) {
    this.config = config;
    this.rater = rater;
  }

  /**
   * Scores every explained latent that fires in at least one window and is silent in at least one,
   * among some latents; the others make no difference.
   *
   * @param cache of the score split
   * @param from first latent
   * @param to latent after the last
   * @return in ascending order of latents
   */
  public List<LatentScore> score(LatentCache cache, int from, int to) {
    TreeMap<Long, List<Judged>> byWindow = new TreeMap<>();
    Tally[] tallies = new Tally[to - from];
    for (int latent = from; latent < to; latent++) {
      tallies[latent - from] = new Tally();
      if (rater.explained(latent) && cache.count(latent) > 0) {
        for (LatentWindow window : draw(cache, latent)) {
          long key = (long) window.row() * cache.contextLength() + window.start();
          byWindow
              .computeIfAbsent(key, any -> new ArrayList<>())
              .add(new Judged(latent, window.activations()));
        }
      }
    }
    Judge judge = new Judge(cache.latents(), from);
    byWindow.forEach(
        (key, judged) -> {
          int row = (int) (key / cache.contextLength());
          int start = (int) (key % cache.contextLength());
          int[] context = new int[config.windowLength()];
          System.arraycopy(
              cache.tokens(), row * cache.contextLength() + start, context, 0, context.length);
          judge.look(context, judged, tallies);
        });
    List<LatentScore> scores = new ArrayList<>();
    for (int i = 0; i < tallies.length; i++) {
      if (tallies[i].activating > 0 && tallies[i].silent > 0) {
        scores.add(tallies[i].score(from + i));
      }
    }
    return scores;
  }

  private List<LatentWindow> draw(LatentCache cache, int latent) {
    WindowSampler sampler =
        new WindowSampler(
            cache.activations(latent),
            cache.rows(),
            cache.contextLength(),
            config.windowLength(),
            config.seed());
    List<LatentWindow> windows =
        new ArrayList<>(sampler.byQuantile(config.quantiles(), config.perQuantile()));
    windows.addAll(sampler.silent(config.silent()));
    return windows;
  }

  /** A latent whose explanation is held against a window, and what it truly does there. */
  @SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
  private record Judged(int latent, float[] activations) {}

  /** Rates one window after the other, for the latents that want to know. */
  private final class Judge {
    private final int[] slot;
    private final int firstLatent;
    private float[] ratings = new float[0];

    Judge(int latents, int firstLatent) {
      this.firstLatent = firstLatent;
      slot = new int[latents];
    }

    void look(int[] context, List<Judged> judged, Tally[] tallies) {
      int length = context.length;
      if (ratings.length < judged.size() * length) {
        ratings = new float[judged.size() * length];
      }
      for (int i = 0; i < judged.size(); i++) {
        int latent = judged.get(i).latent;
        slot[latent] = i + 1;
        java.util.Arrays.fill(ratings, i * length, (i + 1) * length, rater.defaults()[latent]);
      }
      rater.rate(
          context,
          (position, latent, rating) -> {
            if (slot[latent] > 0) {
              ratings[(slot[latent] - 1) * length + position] = rating;
            }
          });
      for (int i = 0; i < judged.size(); i++) {
        int latent = judged.get(i).latent;
        slot[latent] = 0;
        double least = rater.defaults()[latent] + config.threshold();
        tallies[latent - firstLatent].add(judged.get(i).activations, ratings, i * length, least);
      }
    }
  }

  /** The running counts and sums of one latent. */
  private static final class Tally {
    int activating;
    int silent;
    int hits;
    int rejections;
    double tokens;
    double ratingSum;
    double ratingSquares;
    double truthSum;
    double truthSquares;
    double products;

    void add(float[] activations, float[] ratings, int from, double least) {
      boolean fires = false;
      boolean matches = false;
      for (int p = 0; p < activations.length; p++) {
        double rating = ratings[from + p];
        double truth = activations[p];
        fires |= truth > 0;
        matches |= rating >= least;
        ratingSum += rating;
        ratingSquares += rating * rating;
        truthSum += truth;
        truthSquares += truth * truth;
        products += rating * truth;
      }
      tokens += activations.length;
      activating += fires ? 1 : 0;
      silent += fires ? 0 : 1;
      hits += fires && matches ? 1 : 0;
      rejections += !fires && !matches ? 1 : 0;
    }

    LatentScore score(int latent) {
      double positive = (double) hits / activating;
      double negative = (double) rejections / silent;
      double covariance = products - ratingSum * truthSum / tokens;
      double spread =
          Math.sqrt(
              Math.max(0, ratingSquares - ratingSum * ratingSum / tokens)
                  * Math.max(0, truthSquares - truthSum * truthSum / tokens));
      double correlation = spread > 0 ? covariance / spread : 0;
      return new LatentScore(
          latent, (positive + negative) / 2, positive, negative, correlation, activating, silent);
    }
  }
}
