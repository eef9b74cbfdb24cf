package dev.palimpsest.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.base.Json;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;

/**
 * Where a text of a Llama tokenizer gets a blank that is not written. Files written for older
 * versions of transformers put one before every piece of text, also after a special token within
 * it; since version 5, transformers rebuilds what {@code tokenizer_config.json} calls a {@code
 * LlamaTokenizer} (its {@code tokenization_llama.py}): one at the very beginning of a text, unless
 * that begins with a blank; with {@code legacy} before every piece; without {@code
 * add_prefix_space} none. So does this.
 */
final class SentencePieceForm {
  /** What stands for a blank in a vocabulary. */
  private static final String BLANK = "\u2581";

  private SentencePieceForm() {}

  /**
   * A tokenizer's file as the library should see it.
   *
   * @param folder of the model
   */
  static byte[] of(Path folder, TokenizerFile file) {
    Path settings = folder.resolve("tokenizer_config.json");
    if (!Files.exists(settings) || !marksBlanks(file.root())) {
      return file.bytes();
    }
    JsonNode said = Json.read(settings, JsonNode.class);
    String name = said.path("tokenizer_class").asText();
    if (!name.equals("LlamaTokenizer") && !name.equals("LlamaTokenizerFast")) {
      return file.bytes();
    }
    boolean blank = said.path("add_prefix_space").asBoolean(true);
    ObjectNode root = file.root().deepCopy();
    root.putNull("normalizer");
    root.putObject("pre_tokenizer")
        .put("type", "Metaspace")
        .put("replacement", BLANK)
        .put(
            "prepend_scheme",
            !blank ? "never" : said.path("legacy").asBoolean(false) ? "always" : "first")
        .put("split", false);
    if (!blank) {
      keepFirstBlank(root.path("decoder"));
    }
    return Json.line(root).getBytes(StandardCharsets.UTF_8);
  }

  /** Without a blank put before a text none is taken away from an answer. */
  private static void keepFirstBlank(JsonNode decoder) {
    if (decoder.path("decoders") instanceof ArrayNode parts) {
      for (Iterator<JsonNode> each = parts.iterator(); each.hasNext(); ) {
        if (each.next().path("type").asText().equals("Strip")) {
          each.remove();
        }
      }
    }
  }

  /** Whether the file replaces blanks itself; else its class is a name of something else. */
  private static boolean marksBlanks(JsonNode root) {
    return mentions(root.path("normalizer")) || mentions(root.path("pre_tokenizer"));
  }

  private static boolean mentions(JsonNode part) {
    if (part.path("content").asText().equals(BLANK)
        || part.path("replacement").asText().equals(BLANK)) {
      return true;
    }
    for (JsonNode child : part) {
      if (child.isContainerNode() && mentions(child)) {
        return true;
      }
    }
    return false;
  }
}
