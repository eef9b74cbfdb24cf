package dev.palimpsest.llm;

import com.fasterxml.jackson.annotation.JsonValue;
import dev.palimpsest.base.Choice;
import dev.palimpsest.base.UsageException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** How a server is made to tell probabilities of labels; the best first. */
public enum LabelWay {
  /** Log-probabilities of the tokens asked for: exact, in one call. */
  EXACT("the labels' own log-probabilities"),
  /** The likeliest tokens with their log-probabilities: exact for those among them, one call. */
  TOP("log-probabilities of the likeliest tokens"),
  /** Log-probabilities inside a prompt that ends with a label: exact, a call a label. */
  PROMPT("log-probabilities of prompts that end with a label, a call a label"),
  /** Several answers drawn; their shares are the estimate. */
  SAMPLES("shares among answers drawn");

  private final String words;

  LabelWay(String words) {
    this.words = words;
  }

  /** As in settings and results. */
  @JsonValue
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** For people. */
  public String words() {
    return words;
  }

  /** By {@link #label}. */
  public static Optional<LabelWay> labelled(String label) {
    return Arrays.stream(values()).filter(way -> way.label().equals(label)).findFirst();
  }

  /**
   * The same of a setting.
   *
   * @throws UsageException where there is no such way
   */
  public static LabelWay required(String label) {
    return Choice.of(values(), LabelWay::label, label, "labels are told by");
  }
}
