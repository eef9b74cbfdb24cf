package dev.palimpsest.experiment;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.JsonFaults;
import dev.palimpsest.base.Quoted;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.lexical.LexicalExplainer;
import dev.palimpsest.llm.AskedModel;
import dev.palimpsest.llm.EndpointSettings;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Who explains, judges or simulates: the program for the controlled English, or a language model.
 * In settings {@code lexical}, a folder, a server's address, or a group of settings with {@code
 * folder} or {@code endpoint}.
 *
 * @param model the language model; empty: {@code lexical}
 */
public record Interpreter(Optional<AskedModel> model) {
  /** The settings that are one, from the root. */
  static final Set<String> SETTINGS =
      Set.of("explain.explainer", "score.judge", "simulate.simulator");

  /** The controlled English. */
  static final Interpreter LEXICAL = new Interpreter(Optional.empty());

  /**
   * Reads a setting.
   *
   * @throws UsageException for what can be none
   */
  @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
  static Interpreter of(JsonNode setting) {
    if (setting.isTextual()) {
      String text = setting.textValue();
      return text.equals(LexicalExplainer.NAME)
          ? LEXICAL
          : new Interpreter(Optional.of(AskedModel.of(text)));
    }
    if (!setting.isObject()) {
      throw new UsageException(
          "found "
              + Quoted.of(setting)
              + ", expected lexical, a model's folder, a server's address, or {endpoint: …}");
    }
    ObjectNode whole = Json.YAML.valueToTree(AskedModel.of("."));
    whole.putNull("folder");
    TreeSet<String> known = new TreeSet<>();
    whole.fieldNames().forEachRemaining(known::add);
    for (Map.Entry<String, JsonNode> entry : setting.properties()) {
      if (!known.contains(entry.getKey())) {
        throw new UsageException(
            "'"
                + Quoted.of(entry.getKey())
                + "' is not known of a language model; known: "
                + known);
      }
      whole.set(entry.getKey(), entry.getValue());
    }
    if (whole.path("endpoint").isTextual()
        && !EndpointSettings.isUrl(whole.path("endpoint").textValue().strip())) {
      throw new UsageException(
          "the endpoint is '"
              + Quoted.of(whole.path("endpoint").textValue())
              + "', expected an address such as http://localhost:8000/v1");
    }
    try {
      return new Interpreter(Optional.of(Json.YAML.treeToValue(whole, AskedModel.class)));
    } catch (JsonProcessingException fault) {
      throw new UsageException(JsonFaults.describe(fault));
    }
  }

  /** One setting over another: a group that names no model changes the model that there is. */
  static JsonNode laidOver(JsonNode before, JsonNode over) {
    if (!before.isObject() || !over.isObject() || over.has("endpoint") || over.has("folder")) {
      return over;
    }
    ObjectNode both = before.deepCopy();
    both.setAll((ObjectNode) over);
    return both;
  }

  /** As in settings. */
  @JsonValue
  JsonNode setting() {
    return model
        .<JsonNode>map(Json.YAML::valueToTree)
        .orElseGet(() -> TextNode.valueOf(LexicalExplainer.NAME));
  }

  /** Whether it is the controlled English. */
  boolean isLexical() {
    return model.isEmpty();
  }

  /** As in results. */
  String name() {
    return model.map(AskedModel::name).orElse(LexicalExplainer.NAME);
  }

  /** The same with its folder's path from the root. */
  Interpreter withWholePath() {
    return new Interpreter(
        model.map(asked -> asked.withFolder(asked.folder().map(SourcePaths::whole))));
  }
}
