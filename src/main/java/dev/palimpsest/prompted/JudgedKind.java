package dev.palimpsest.prompted;

import dev.palimpsest.base.Choice;
import dev.palimpsest.base.UsageException;
import java.util.Locale;

/** What a language model is asked about windows, to score an explanation. */
public enum JudgedKind {
  /** Does the explanation match this window? Half of them activate the latent. */
  DETECTION,
  /** Are the right tokens marked? In half of the windows others are. */
  FUZZING;

  /** As in settings and names of prompts. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * By {@link #label}.
   *
   * @throws UsageException naming those that there are
   */
  public static JudgedKind labelled(String label) {
    return Choice.of(values(), JudgedKind::label, label, "score.scorers: unknown scorer");
  }
}
