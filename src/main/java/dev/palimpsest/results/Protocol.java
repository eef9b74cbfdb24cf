package dev.palimpsest.results;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonValue;

/** Which positions of a context are patched, and which predictions are counted. */
public enum Protocol {
  /** The paper's: only the last position is patched, the loss is that of the one token after it. */
  @JsonProperty("last-token")
  LAST_TOKEN("last-token"),
  /** Every position that is not an excluded token is patched, and its prediction counted. */
  @JsonProperty("all-tokens")
  ALL_TOKENS("all-tokens");

  private final String label;

  Protocol(String label) {
    this.label = label;
  }

  /** The name in files, options and tables. */
  @JsonValue
  public String label() {
    return label;
  }
}
