package dev.palimpsest.report;

import java.util.List;

/**
 * Facts under one heading, e.g. "Language model", "Text", "Versions", "Time taken".
 *
 * @param title the heading
 * @param facts in the order of printing; a group without facts is not printed
 */
public record FactGroup(String title, List<Fact> facts) {
  /** Copies the list. */
  public FactGroup {
    facts = List.copyOf(facts);
  }
}
