package dev.palimpsest.language;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What {@code tokenizer_config.json} says; without the file nothing.
 *
 * @param root the file, or a missing node
 */
record TokenizerSettings(JsonNode root) {
  static TokenizerSettings read(Path folder) {
    return new TokenizerSettings(read(folder, "tokenizer_config.json"));
  }

  /** A JSON file of the folder; a missing node where there is none. */
  static JsonNode read(Path folder, String name) {
    Path file = folder.resolve(name);
    return Files.exists(file)
        ? Json.read(file, JsonNode.class)
        : com.fasterxml.jackson.databind.node.MissingNode.getInstance();
  }

  /** A special token such as {@code bos_token}, spelled as in the vocabulary. */
  Optional<String> token(String key) {
    return spelled(root.path(key));
  }

  private static Optional<String> spelled(JsonNode node) {
    JsonNode text = node.isObject() ? node.path("content") : node;
    return text.isTextual() ? Optional.of(text.textValue()) : Optional.empty();
  }

  /** All special tokens that have a name, such as {@code eos_token}. */
  Map<String, String> tokens() {
    Map<String, String> tokens = new TreeMap<>();
    for (Iterator<String> keys = root.fieldNames(); keys.hasNext(); ) {
      String key = keys.next();
      if (key.endsWith("_token") && !key.startsWith("add_")) {
        token(key).ifPresent(text -> tokens.put(key, text));
      }
    }
    return tokens;
  }

  /** Whether a beginning-of-text token is put before a text, where the file says so. */
  Optional<Boolean> addsBeginning() {
    JsonNode node = root.path("add_bos_token");
    if (node.isBoolean()) {
      return Optional.of(node.booleanValue());
    }
    String tokenizer = root.path("tokenizer_class").asText();
    return tokenizer.startsWith("Llama") || tokenizer.startsWith("Gemma")
        ? Optional.of(true)
        : Optional.empty();
  }
}
