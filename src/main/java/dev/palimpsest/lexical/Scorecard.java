package dev.palimpsest.lexical;

import java.util.List;

/**
 * A lexical explanation: points that patterns add to, or take from, a start.
 *
 * <p>The total is read as a rating by {@link #rating}: far below 0 it means silence, above 0 it is
 * nearly the rating itself. So evidence multiplies while a latent is unlikely to fire and adds up
 * once it does, as in a neuron that is a rectified sum; a token that matters only in company gets
 * points that do not reach 0 by themselves.
 *
 * @param start the points where no pattern matches
 * @param terms each pattern at most once
 */
public record Scorecard(int start, List<Term> terms) {
  /** The highest rating, which stands for the latent's maximum. */
  public static final float MAXIMUM = 10;

  /** Copies the terms. */
  public Scorecard {
    terms = List.copyOf(terms);
  }

  /** A pattern and the points it adds where it matches. */
  public record Term(Pattern pattern, int points) {}

  /**
   * ln(1 + e^points), at most {@link #MAXIMUM}.
   *
   * @return a rating in tenths of the latent's maximum
   */
  public static float rating(int points) {
    return points >= MAXIMUM ? MAXIMUM : (float) Math.min(MAXIMUM, Math.log1p(Math.exp(points)));
  }
}
