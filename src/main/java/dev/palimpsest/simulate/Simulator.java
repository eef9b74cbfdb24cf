package dev.palimpsest.simulate;

import java.util.List;

/**
 * Guesses how active every latent is at every token of a context, from explanations and that
 * context alone.
 *
 * <p>Ratings run from 0 (silent) to 10 (the latent's maximum). Most latents get one and the same
 * rating nearly everywhere, so a simulator says that once and reports the exceptions. Safe for
 * concurrent use.
 */
public interface Simulator {
  /** Number of latents M. */
  int latents();

  /**
   * Whether the latent has an explanation; without one nothing is reported and its default is 0.
   */
  boolean explained(int latent);

  /**
   * The rating of each latent where nothing is reported.
   *
   * @return [M]; callers must not change it
   */
  float[] defaults();

  /**
   * Tells what will be rated next, and where, so that a simulator that has to ask somebody can ask
   * for all of it together. Ratings at other positions need not be right then.
   */
  default void announce(List<SimulatedContext> contexts) {}

  /**
   * Rates one context.
   *
   * @param context token ids
   * @param sink receives the exceptions in ascending order of position, each (position, latent) at
   *     most once
   */
  void rate(int[] context, Sink sink);

  /** Receives ratings that differ from the default. */
  @FunctionalInterface
  interface Sink {
    /**
     * @param position 0-based position in the context
     * @param latent 0-based latent
     * @param rating 0 … 10
     */
    void accept(int position, int latent, float rating);
  }
}
