package dev.palimpsest.simulate;

import java.util.List;

/**
 * Guessed activations of all latents of one coder, from words alone: a simulator's ratings mapped
 * through a calibration.
 *
 * <p>Most latents get the rating 0 at most tokens, and a calibration maps rating 0 of latent i to
 * one constant (often not 0). So a prediction is that constant vector plus a short list of
 * exceptions, never tokens × latents.
 */
public interface LatentPredictor {
  /** Number of latents M. */
  int latents();

  /**
   * The activation predicted for each latent wherever {@link #predict} reports nothing for it.
   *
   * @return [M], at least 0; 0 for latents without explanation; callers must not change it
   */
  float[] defaults();

  /**
   * What is added to the decoded guesses at every token, in units of each latent's decoder row; of
   * either sign, no activation, and no part of re-selection.
   *
   * @return [M], or empty where nothing is added; callers must not change it
   */
  default float[] offsets() {
    return new float[0];
  }

  /** Tells what will be predicted next; see {@link Simulator#announce}. */
  default void announce(List<SimulatedContext> contexts) {}

  /**
   * Reports every (position, latent) whose predicted activation may differ from the default, in
   * ascending order of position, each pair at most once.
   *
   * @param context token ids of one context, all that the simulator may look at besides the texts
   */
  void predict(int[] context, Sink sink);

  /** Receives the exceptions of one context. */
  @FunctionalInterface
  interface Sink {
    /**
     * @param position 0-based position in the context
     * @param latent 0-based latent
     * @param activation the predicted activation, at least 0, in place of the default
     */
    void accept(int position, int latent, float activation);
  }
}
