package dev.palimpsest.text;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Quoted;
import java.nio.file.Path;
import java.util.Map;

/**
 * What the tokenizers' library relies on without looking, and would end the process for. Each check
 * stands for a fault that was found to do so by mutating files; see {@code docs/fuzzing.md}.
 */
final class TokenizerParts {
  /** As many ids as the tables by id, which hold an entry for each, may have. */
  static final int MOST_IDS = 1 << 26;

  /** Characters of a token of a vocabulary with scores; real ones have up to some hundred. */
  private static final int LONGEST_TOKEN = 1024;

  private final Path file;
  private final JsonNode root;

  TokenizerParts(Path file, JsonNode root) {
    this.file = file;
    this.root = root;
  }

  void check() {
    JsonNode model = root.path("model");
    if (!model.isObject()) {
      throw wrong("model", model, "an object");
    }
    checkVocabulary(model.path("vocab"));
    checkMerges(model);
    checkStrips(root.path("decoder"));
    checkTemplates("post_processor", root.path("post_processor"));
    checkAddedTokens(root.path("added_tokens"));
  }

  private void checkVocabulary(JsonNode vocab) {
    if (vocab.isMissingNode()) {
      return; // Vocabulary says that there are no tokens
    }
    if (!vocab.isContainerNode()) {
      throw wrong("model.vocab", vocab, "an object or a list");
    }
    if (vocab.isObject()) {
      for (Map.Entry<String, JsonNode> token : vocab.properties()) {
        requireId("model.vocab." + Quoted.of(token.getKey()), token.getValue());
      }
      return;
    }
    for (int id = 0; id < vocab.size(); id++) {
      JsonNode pair = vocab.get(id);
      if (!pair.isArray()
          || pair.size() != 2
          || !pair.get(0).isTextual()
          || !pair.get(1).isNumber()) {
        throw wrong("model.vocab[" + id + "]", pair, "a token and its score");
      }
      // The library builds a tree a level a byte, and goes through it recursively.
      if (pair.get(0).textValue().length() > LONGEST_TOKEN) {
        throw wrong(
            "model.vocab[" + id + "]", pair, "a token of at most " + LONGEST_TOKEN + " characters");
      }
    }
  }

  /** The library cuts the prefix off every second part of a merge, there or not. */
  private void checkMerges(JsonNode model) {
    String prefix = model.path("continuing_subword_prefix").asText("");
    if (!model.path("continuing_subword_prefix").isTextual() || prefix.isEmpty()) {
      return;
    }
    JsonNode merges = model.path("merges");
    for (int i = 0; i < merges.size(); i++) {
      JsonNode merge = merges.get(i);
      String second =
          merge.isArray()
              ? merge.path(1).asText("")
              : merge.asText("").substring(merge.asText("").indexOf(' ') + 1);
      if (!second.startsWith(prefix)) {
        throw wrong(
            "model.merges[" + i + "]",
            merge,
            "a second part that begins with the prefix '" + Quoted.of(prefix) + "'");
      }
    }
  }

  /** The library counts back from a token's end without looking whether there is so much of it. */
  private void checkStrips(JsonNode decoder) {
    if (decoder.path("type").asText("").equals("Strip")) {
      JsonNode stop = decoder.path("stop");
      if (!stop.isIntegralNumber() || stop.longValue() != 0) {
        throw wrong("decoder.stop", stop, "0, as nothing else is safe");
      }
    }
    decoder.path("decoders").forEach(this::checkStrips);
  }

  /** What a template of a single text names, the library looks up among one: B is not there. */
  private void checkTemplates(String key, JsonNode processor) {
    for (JsonNode piece : processor.path("single")) {
      JsonNode sequence = piece.path("Sequence").path("id");
      if (!sequence.isMissingNode() && !sequence.asText("").equals("A")) {
        throw wrong(key + ".single", piece, "the sequence A");
      }
    }
    for (JsonNode each : processor.path("processors")) {
      checkTemplates(key + ".processors", each);
    }
  }

  private void checkAddedTokens(JsonNode added) {
    if (added.isMissingNode() || added.isNull()) {
      return;
    }
    if (!added.isArray()) {
      throw wrong("added_tokens", added, "a list");
    }
    for (int i = 0; i < added.size(); i++) {
      String key = "added_tokens[" + i + "].";
      requireId(key + "id", added.get(i).path("id"));
      if (!added.get(i).path("content").isTextual()) {
        throw wrong(key + "content", added.get(i).path("content"), "text");
      }
    }
  }

  private void requireId(String key, JsonNode id) {
    if (!id.isIntegralNumber()
        || !id.canConvertToInt()
        || id.intValue() < 0
        || id.intValue() >= MOST_IDS) {
      throw wrong(key, id, "a whole number below " + MOST_IDS);
    }
  }

  private PalimpsestException wrong(String key, JsonNode found, String expected) {
    return new PalimpsestException(
        file
            + ": '"
            + key
            + "' is "
            + (found.isMissingNode() ? "missing" : Quoted.of(found))
            + ", expected "
            + expected);
  }
}
