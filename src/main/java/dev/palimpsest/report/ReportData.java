package dev.palimpsest.report;

import java.util.List;

/**
 * All that a report shows, as plain values. Every list may be empty: the report says then what is
 * missing instead of failing, so that it can be made after any stage.
 *
 * @param title heading of the page, e.g. "Rewriting layers.2.mlp of demo in words"
 * @param introduction one or two sentences below it; may be empty
 * @param facts what was done: model, hookpoints, coder shapes, text, seeds, versions, durations
 * @param rewrites loss tables, the most important one (transcoder, all tokens) first
 * @param training one per trained coder
 * @param coders latents of each coder
 */
public record ReportData(
    String title,
    String introduction,
    List<FactGroup> facts,
    List<RewriteTable> rewrites,
    List<TrainingCurve> training,
    List<CoderLatents> coders) {
  /** Copies the lists. */
  public ReportData {
    facts = List.copyOf(facts);
    rewrites = List.copyOf(rewrites);
    training = List.copyOf(training);
    coders = List.copyOf(coders);
  }
}
