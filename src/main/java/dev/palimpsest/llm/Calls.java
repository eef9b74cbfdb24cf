package dev.palimpsest.llm;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.base.Json;
import dev.palimpsest.language.Prompt;
import java.net.URI;

/** The requests of OpenAI's protocol: conversations and plain texts to go on from. */
final class Calls {
  private final EndpointSettings settings;
  private final String model;
  private final String lengthKey;

  /**
   * @param lengthKey how the server calls the most tokens of an answer to a conversation
   */
  Calls(EndpointSettings settings, String model, String lengthKey) {
    this.settings = settings;
    this.model = model;
    this.lengthKey = lengthKey;
  }

  EndpointSettings settings() {
    return settings;
  }

  String model() {
    return model;
  }

  /** Where a prompt goes. */
  URI uri(Prompt prompt) {
    return settings.call(prompt instanceof Prompt.Chat ? "chat/completions" : "completions");
  }

  /** A request for an answer of at most so many tokens. */
  ObjectNode body(Prompt prompt, int maxTokens) {
    ObjectNode body = Json.MAPPER.createObjectNode();
    body.put("model", model);
    if (prompt instanceof Prompt.Chat chat) {
      messages(body, chat);
      body.put(lengthKey, maxTokens);
    } else {
      body.put("prompt", ((Prompt.Text) prompt).text());
      body.put("max_tokens", maxTokens);
    }
    return body;
  }

  /** The same, greedy: as label questions are asked. */
  ObjectNode greedy(Prompt prompt, int maxTokens) {
    return body(prompt, maxTokens).put("temperature", 0);
  }

  private static void messages(ObjectNode body, Prompt.Chat chat) {
    ArrayNode messages = body.putArray("messages");
    for (Prompt.Message message : chat.messages()) {
      messages.addObject().put("role", message.role()).put("content", message.content());
    }
  }

  /** The first choice of an answer. */
  static JsonNode choice(JsonNode answer) {
    JsonNode choice = answer.path("choices").path(0);
    if (!choice.isObject()) {
      throw EndpointFault.passing("an answer without choices");
    }
    return choice;
  }

  /** What a choice says; a null text is an empty one. */
  static String text(JsonNode choice) {
    JsonNode text =
        choice.has("text") ? choice.path("text") : choice.path("message").path("content");
    return text.asText("");
  }

  /** What an answer took. */
  static Usage usage(JsonNode answer) {
    JsonNode usage = answer.path("usage");
    return new Usage(
        1,
        Math.max(0, usage.path("prompt_tokens").asLong()),
        Math.max(0, usage.path("completion_tokens").asLong()));
  }
}
