package dev.palimpsest.results;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonValue;

/** How the latents to rewrite are chosen. */
public enum Selection {
  /** The best-explained first: descending score of the explanation, latents without one last. */
  @JsonProperty("best")
  BEST("best"),
  /** In an order drawn from the seed. */
  @JsonProperty("random")
  RANDOM("random");

  private final String label;

  Selection(String label) {
    this.label = label;
  }

  /** The name in files, options and tables. */
  @JsonValue
  public String label() {
    return label;
  }
}
