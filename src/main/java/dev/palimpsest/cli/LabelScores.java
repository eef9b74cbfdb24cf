package dev.palimpsest.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * How likely each label is.
 *
 * @param byLabel log-probabilities in nats, in the order in which the labels were asked for
 */
record LabelScores(Map<String, Double> byLabel) {
  static LabelScores of(List<String> labels, double[] scores) {
    Map<String, Double> byLabel = new LinkedHashMap<>();
    for (int i = 0; i < scores.length; i++) {
      byLabel.put(labels.get(i), scores[i]);
    }
    return new LabelScores(byLabel);
  }

  /** For people. */
  String text() {
    return byLabel.entrySet().stream()
        .map(e -> String.format(Locale.ROOT, "%s %.4f", e.getKey(), e.getValue()))
        .collect(Collectors.joining("  "));
  }
}
