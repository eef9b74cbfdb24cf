package dev.palimpsest.experiment;

import dev.palimpsest.base.UsageException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

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

  /**
   * The stage of a name.
   *
   * @throws UsageException listing the names
   */
  public static StageName of(String label) {
    return Arrays.stream(values())
        .filter(stage -> stage.label().equals(label))
        .findFirst()
        .orElseThrow(
            () ->
                new UsageException(
                    "unknown stage '"
                        + label
                        + "'; stages are "
                        + Arrays.stream(values())
                            .map(StageName::label)
                            .collect(Collectors.joining(", "))));
  }
}
