package dev.palimpsest.run;

import java.util.Locale;

/** The stages of an experiment, in order. */
public enum StageName {
  /** Trains the coders (or takes those given). */
  TRAIN,
  /** Records which latent fires where on the explain split. */
  CACHE,
  /** Writes an explanation for every latent seen. */
  EXPLAIN,
  /** Scores the explanations by detection on the score split. */
  SCORE,
  /** Fits the calibrations of the simulator's ratings on the calibrate split. */
  SIMULATE,
  /** Measures the losses on the evaluate split. */
  REWRITE,
  /** Writes the page. */
  REPORT;

  /** The name in commands and files. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
