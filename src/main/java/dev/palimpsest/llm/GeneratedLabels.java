package dev.palimpsest.llm;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.base.Json;
import dev.palimpsest.language.Prompt;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * Log-probabilities of the labels' own tokens, as SGLang's own call gives them ({@code /generate}
 * with {@code token_ids_logprob}). It takes plain texts only.
 */
final class GeneratedLabels implements LabelAsker {
  private final HttpCalls http;
  private final Calls calls;
  private final TokenIds ids;

  GeneratedLabels(HttpCalls http, Calls calls) {
    this.http = http;
    this.calls = calls;
    ids = new TokenIds(http, calls);
  }

  @Override
  public CompletableFuture<Reply.Labelled> ask(Question.Labelling question) {
    if (!(question.prompt() instanceof Prompt.Text text)) {
      throw EndpointFault.question("/generate takes no conversations");
    }
    ObjectNode body = Json.MAPPER.createObjectNode();
    body.put("text", text.text()).put("return_logprob", true);
    body.putObject("sampling_params").put("max_new_tokens", 1).put("temperature", 0);
    ArrayNode wanted = body.putArray("token_ids_logprob");
    List<Integer> tokens = new ArrayList<>();
    for (String label : question.labels()) {
      tokens.add(ids.of(label));
      wanted.add(ids.of(label));
    }
    return http.post(
        calls.settings().ownCall("generate"), body, answer -> labelled(tokens, answer));
  }

  private static Reply.Labelled labelled(List<Integer> tokens, JsonNode answer) {
    JsonNode about = answer.path("meta_info");
    JsonNode first = about.path("output_token_ids_logprobs").path(0);
    if (!first.isArray()) {
      throw EndpointFault.passing("an answer without log-probabilities");
    }
    Map<Integer, Double> chances = new HashMap<>();
    for (JsonNode entry : first) {
      if (entry.path(0).isNumber()) {
        chances.put(entry.path(1).asInt(-1), Math.min(1, Math.exp(entry.path(0).doubleValue())));
      }
    }
    Usage usage =
        new Usage(
            1,
            Math.max(0, about.path("prompt_tokens").asLong()),
            Math.max(0, about.path("completion_tokens").asLong()));
    List<Double> probabilities =
        tokens.stream().map(token -> chances.getOrDefault(token, 0.0)).toList();
    int told = (int) tokens.stream().filter(chances::containsKey).count();
    double left = 1 - chances.values().stream().mapToDouble(p -> p).sum();
    return new Reply.Labelled(
        probabilities, told, told == tokens.size() ? 0 : Math.max(0, left), usage);
  }
}
