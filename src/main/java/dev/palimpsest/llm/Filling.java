package dev.palimpsest.llm;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.language.Prompt;
import dev.palimpsest.language.Slots;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * Labels in place of slots, from the log-probabilities of a prompt's own tokens, as vLLM gives them
 * ({@code prompt_logprobs}): at each token a map from ids to log-probabilities, the token that
 * stands there first, then the likeliest.
 */
final class Filling {
  private static final int LIKELIEST = 20;

  private final HttpCalls http;
  private final Calls calls;

  Filling(HttpCalls http, Calls calls) {
    this.http = http;
    this.calls = calls;
  }

  CompletableFuture<Reply> ask(Question.Filling question) {
    ObjectNode body = calls.greedy(question.prompt(), 1).put("prompt_logprobs", LIKELIEST);
    if (question.prompt() instanceof Prompt.Chat) {
      body.put("add_generation_prompt", false).put("continue_final_message", true);
    }
    return http.post(calls.uri(question.prompt()), body, answer -> read(question, answer));
  }

  private static Reply read(Question.Filling question, JsonNode answer) {
    JsonNode inChoice = Calls.choice(answer).path("prompt_logprobs");
    JsonNode tokens = inChoice.isArray() ? inChoice : answer.path("prompt_logprobs");
    if (!tokens.isArray()) {
      throw EndpointFault.passing("an answer without log-probabilities of the prompt");
    }
    List<String> texts = new ArrayList<>();
    for (JsonNode token : tokens) {
      JsonNode there = token.elements().hasNext() ? token.elements().next() : token;
      texts.add(there.path("decoded_token").asText(""));
    }
    List<Integer> found = Slots.in(texts, question.slot());
    Usage usage = Calls.usage(answer);
    if (found.size() != question.slots()) {
      return new Reply.Refused(joined(found.size(), question), usage);
    }
    List<List<Double>> slots = new ArrayList<>();
    int told = 0;
    for (int place : found) {
      Map<String, Double> chances = new HashMap<>();
      for (JsonNode entry : tokens.path(place)) {
        if (entry.path("logprob").isNumber()) {
          chances.merge(
              entry.path("decoded_token").asText(""),
              Math.min(1, Math.exp(entry.path("logprob").doubleValue())),
              Math::max);
        }
      }
      slots.add(question.labels().stream().map(l -> chances.getOrDefault(l, 0.0)).toList());
      told += (int) question.labels().stream().filter(chances::containsKey).count();
    }
    return new Reply.Filled(slots, told, usage);
  }

  /** Why a prompt cannot be read. */
  static String joined(int found, Question.Filling question) {
    return "the model's tokens show "
        + found
        + " of "
        + question.slots()
        + " slots: its tokenizer joins them with what stands before";
  }
}
