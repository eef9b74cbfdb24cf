package dev.palimpsest.lexical;

import java.util.List;

/**
 * What an explanation means: at each token, the points that its own clauses set, and what clauses
 * about its surroundings add.
 *
 * <p>Of the terms that set points the most specific one that matches counts, and no other ("strong
 * on dog; weak on hot dog" makes a hot dog weak); where none matches it is the start. The points of
 * all other terms that match are added. The total is read as a rating by {@link #rating}: far below
 * 0 it means silence, above 0 it is nearly the rating itself.
 *
 * @param start the points where no pattern matches
 * @param terms each pattern at most once as a term that sets, and at most once as one that adds
 */
public record Scorecard(int start, List<Term> terms) {
  /** The highest rating, which stands for the latent's maximum. */
  public static final float MAXIMUM = 10;

  /** The largest points of a term or start, either way. */
  static final int MOST_POINTS = 100;

  private static final int BY_LENGTH = 4096;
  private static final int LOWEST = -64;
  private static final float[] RATINGS = new float[(int) MAXIMUM - LOWEST];

  static {
    for (int i = 0; i < RATINGS.length; i++) {
      RATINGS[i] = (float) Math.min(MAXIMUM, Math.log1p(Math.exp(i + LOWEST)));
    }
  }

  /** Copies the terms. */
  public Scorecard {
    terms = List.copyOf(terms);
  }

  /**
   * A pattern and its points.
   *
   * @param sets whether the points take the start's place rather than add to it; only sequences
   *     that end at the position itself do
   */
  public record Term(Pattern pattern, int points, boolean sets) {
    /** Checks the sizes. */
    public Term {
      if (sets && !(pattern instanceof Pattern.Sequence own && own.back() == 0)) {
        throw new IllegalArgumentException("only what stands at the position itself sets points");
      }
      if (Math.abs(points) > MOST_POINTS) {
        throw new IllegalArgumentException(points + " points, expected at most " + MOST_POINTS);
      }
    }
  }

  /**
   * Which of two terms that set points counts where both match: the one with the higher rank. First
   * the one that names more tokens; of equals the one whose symbols say more ({@link
   * Lexicon#specificity}); then the one with more points.
   */
  static int rank(Pattern.Sequence pattern, int points, Lexicon lexicon) {
    return specificity(pattern, lexicon) << 8 | (points + 128);
  }

  /** The rank without the points; at least 1. */
  static int specificity(Pattern.Sequence pattern, Lexicon lexicon) {
    int named = 0;
    int said = 0;
    for (int symbol : pattern.symbols()) {
      named += symbol == Pattern.ANY ? 0 : 1;
      said += lexicon.specificity(symbol);
    }
    return Math.min(named, 15) * BY_LENGTH + Math.min(said, BY_LENGTH - 1);
  }

  /** The points in a rank. */
  static int points(int rank) {
    return (rank & 0xFF) - 128;
  }

  /**
   * ln(1 + e^points), at most {@link #MAXIMUM}.
   *
   * @return a rating in tenths of the latent's maximum
   */
  public static float rating(int points) {
    return points >= MAXIMUM ? MAXIMUM : RATINGS[Math.max(0, points - LOWEST)];
  }
}
