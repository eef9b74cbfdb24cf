package dev.palimpsest.llm;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.base.Json;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** The ids of labels, by the server's own tokenizer ({@code /tokenize}, {@code /detokenize}). */
final class TokenIds {
  /** Stands before a label, so that no tokenizer takes it for the beginning of a word. */
  private static final String BEFORE = "=";

  private final HttpCalls http;
  private final Calls calls;
  private final Map<String, Integer> known = new ConcurrentHashMap<>();

  TokenIds(HttpCalls http, Calls calls) {
    this.http = http;
    this.calls = calls;
  }

  /**
   * The id of the token that reads exactly so.
   *
   * @throws EndpointFault where the server has no such token, or does not tell
   */
  int of(String label) {
    return known.computeIfAbsent(label, this::ask);
  }

  private int ask(String label) {
    ObjectNode body = Json.MAPPER.createObjectNode();
    body.put("model", calls.model()).put("prompt", BEFORE + label).put("add_special_tokens", false);
    int id =
        http.now(
            calls.settings().ownCall("tokenize"),
            Optional.of(body),
            answer -> {
              JsonNode tokens = answer.path("tokens");
              JsonNode last = tokens.path(tokens.size() - 1);
              if (!last.canConvertToInt()) {
                throw EndpointFault.passing("/tokenize gives no ids");
              }
              return last.intValue();
            });
    ObjectNode back = Json.MAPPER.createObjectNode().put("model", calls.model());
    back.putArray("tokens").add(id);
    String text =
        http.now(
            calls.settings().ownCall("detokenize"),
            Optional.of(back),
            answer -> {
              JsonNode read = answer.has("text") ? answer.path("text") : answer.path("prompt");
              if (!read.isTextual()) {
                throw EndpointFault.passing("/detokenize gives no text");
              }
              return read.textValue();
            });
    if (!text.equals(label)) {
      throw EndpointFault.question("no single token reads '" + label + "'");
    }
    return id;
  }
}
