package dev.palimpsest.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.Quoted;
import dev.palimpsest.base.UsageException;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What an experiment's numbers and lists may be, each taken alone: one table for all of them. How
 * they go together, and with the model, {@link ExperimentChecks} looks at. Training's own are
 * {@link dev.palimpsest.train.TrainConfig}'s, which {@code train} shares.
 */
final class SettingBounds {
  /** Tokens of a context or a batch beyond which memory would not do. */
  static final long MOST_TOKENS_AT_ONCE = 1 << 24;

  /** More than any text or coder has, and far from where sums overflow. */
  private static final long MOST = 1L << 50;

  private static final Range LATENTS = new Range(1, 1 << 26);

  private static final Map<String, Range> NUMBERS = new LinkedHashMap<>();

  static {
    bound("cache.tokens", 1, MOST);
    bound("cache.least_tokens", 0, MOST);
    bound("cache.context_length", 2, MOST_TOKENS_AT_ONCE);
    bound("cache.batch_rows", 1, MOST_TOKENS_AT_ONCE);
    bound("explain.max_characters", 1, 100_000);
    bound("explain.tokens", 1, MOST);
    bound("explain.latents", 0, MOST);
    bound("explain.least_windows", 1, MOST);
    bound("explain.windows", 1, 100_000);
    bound("explain.window_length", 1, MOST_TOKENS_AT_ONCE);
    bound("explain.temperature", 0, 100);
    bound("explain.max_tokens", 1, MOST_TOKENS_AT_ONCE);
    bound("score.tokens", 1, MOST);
    bound("score.windows", 1, 1_000_000);
    bound("score.per_question", 1, 10_000);
    bound("simulate.calibration_tokens", 1, MOST);
    bound("simulate.joint_tokens", 1, MOST);
    bound("simulate.window_tokens", 1, MOST_TOKENS_AT_ONCE);
    bound("rewrite.rival_tokens", 1, MOST);
    bound("rewrite.all_tokens.context_length", 2, MOST_TOKENS_AT_ONCE);
    bound("rewrite.all_tokens.windows", 0, MOST);
    bound("rewrite.last_token.context_length", 2, MOST_TOKENS_AT_ONCE);
    bound("rewrite.last_token.windows", 0, MOST);
    bound("rewrite.resamples", 1, 1_000_000);
    bound("rewrite.until_ci", 0, 1e6);
    bound("report.latents", 0, MOST);
  }

  /** Lists that must have something in them. */
  private static final List<String> NOT_EMPTY =
      List.of(
          "data.files",
          "score.scorers",
          "rewrite.calibrations",
          "rewrite.fractions",
          "rewrite.selections",
          "rewrite.reselect");

  /** Lists in which nothing may stand twice. */
  private static final List<String> NO_TWICE =
      List.of(
          "score.scorers",
          "rewrite.calibrations",
          "rewrite.fractions",
          "rewrite.selections",
          "rewrite.reselect",
          "rewrite.rivals");

  private SettingBounds() {}

  private record Range(double least, double most) {}

  private static void bound(String setting, double least, double most) {
    NUMBERS.put(setting, new Range(least, most));
  }

  /**
   * Looks at all of them.
   *
   * @throws UsageException naming the first that cannot be meant, what was found and what was
   *     expected
   */
  static void check(ExperimentConfig config) {
    JsonNode tree = Json.MAPPER.valueToTree(config);
    NUMBERS.forEach((setting, range) -> number(setting, at(tree, setting), range));
    for (JsonNode coder : tree.path("coders")) {
      number("coders: num_latents", coder.path("num_latents"), LATENTS);
    }
    for (String setting : NOT_EMPTY) {
      if (at(tree, setting).isEmpty()) {
        throw new UsageException(setting + " is an empty list, expected at least one entry");
      }
    }
    for (String setting : NO_TWICE) {
      Set<JsonNode> seen = new HashSet<>();
      for (JsonNode entry : at(tree, setting)) {
        if (!seen.add(entry)) {
          throw new UsageException(setting + ": " + Quoted.of(entry) + " is named twice");
        }
      }
    }
    for (JsonNode fraction : at(tree, "rewrite.fractions")) {
      double share = fraction.asDouble(Double.NaN);
      if (!(share > 0 && share <= 1)) {
        throw new UsageException(
            "rewrite.fractions: found " + Quoted.of(fraction) + ", expected above 0 and at most 1");
      }
    }
    words(tree);
  }

  /** A name becomes one of a folder. */
  private static void words(JsonNode tree) {
    String name = at(tree, "name").asText();
    if (name.isBlank()
        || name.startsWith(".")
        || name.length() > 200
        || name.chars().anyMatch(c -> c == '/' || Character.isISOControl(c))) {
      throw new UsageException(
          "name is '" + Quoted.of(name) + "', expected a name that a folder can have");
    }
    if (at(tree, "data.text_key").asText().isEmpty()) {
      throw new UsageException(
          "data.text_key is empty, expected the key of the text in JSON lines");
    }
  }

  private static JsonNode at(JsonNode tree, String setting) {
    return tree.at("/" + setting.replace('.', '/'));
  }

  private static void number(String setting, JsonNode found, Range range) {
    double value = found.asDouble(Double.NaN);
    // Not a number is within nothing.
    if (!(value >= range.least && value <= range.most)) {
      throw new UsageException(
          setting
              + " is "
              + Quoted.of(found)
              + ", expected "
              + plain(range.least)
              + (range.most >= MOST ? " or more" : " to " + plain(range.most)));
    }
  }

  private static String plain(double bound) {
    return Long.toString((long) bound);
  }
}
