package dev.palimpsest.llm;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a server tells of the first token that it writes: tokens as texts, and their probabilities.
 *
 * @param byText the likeliest first; of tokens that read alike the likeliest
 */
record TokenChances(Map<String, Double> byText) {
  /**
   * From a choice, in the form of conversations ({@code logprobs.content}) or of texts ({@code
   * logprobs.top_logprobs}).
   *
   * @return empty where there are no log-probabilities
   */
  static Optional<TokenChances> of(JsonNode choice) {
    JsonNode logprobs = choice.path("logprobs");
    Map<String, Double> chances = new LinkedHashMap<>();
    if (logprobs.path("content").isArray()) {
      JsonNode first = logprobs.path("content").path(0);
      first.path("top_logprobs").forEach(entry -> add(chances, entry));
      add(chances, first);
      return Optional.of(new TokenChances(chances));
    }
    if (logprobs.path("top_logprobs").isArray()) {
      logprobs
          .path("top_logprobs")
          .path(0)
          .properties()
          .forEach(entry -> add(chances, entry.getKey(), entry.getValue()));
      add(
          chances,
          logprobs.path("tokens").path(0).asText(""),
          logprobs.path("token_logprobs").path(0));
      return Optional.of(new TokenChances(chances));
    }
    return Optional.empty();
  }

  private static void add(Map<String, Double> chances, JsonNode entry) {
    if (entry.path("token").isTextual()) {
      add(chances, entry.path("token").textValue(), entry.path("logprob"));
    }
  }

  private static void add(Map<String, Double> chances, String token, JsonNode logprob) {
    // Some servers write -9999 for "not among the likeliest".
    if (logprob.isNumber() && logprob.doubleValue() <= 1e-3 && logprob.doubleValue() > -1000) {
      chances.merge(token, Math.min(1, Math.exp(logprob.doubleValue())), Math::max);
    }
  }

  /**
   * The labels' share of it.
   *
   * @param names how the labels read here, in their order
   */
  Reply.Labelled labelled(List<String> names, Usage usage) {
    List<Double> probabilities = new ArrayList<>();
    int told = 0;
    for (String name : names) {
      Double chance = byText.get(name);
      told += chance == null ? 0 : 1;
      probabilities.add(chance == null ? 0 : chance);
    }
    return new Reply.Labelled(probabilities, told, missing(names.size() - told), usage);
  }

  /**
   * Tokens not told share what is left, and none is likelier than the least likely that is told.
   */
  private double missing(int untold) {
    double left = Math.max(0, 1 - byText.values().stream().mapToDouble(p -> p).sum());
    double least = byText.values().stream().mapToDouble(p -> p).min().orElse(1);
    return Math.min(left, untold * least);
  }
}
