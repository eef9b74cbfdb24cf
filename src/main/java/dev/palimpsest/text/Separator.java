package dev.palimpsest.text;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Function;

/**
 * Which token stands before every document: the model's beginning-of-text token where it has one
 * (as Llama, Gemma and Mistral were trained), else its end-of-text token (for GPT-2 and Pythia the
 * two are one).
 */
final class Separator {
  private static final List<String> NAMES =
      List.of("<|endoftext|>", "<|end_of_text|>", "<bos>", "<s>", "</s>", "<eos>");

  private Separator() {}

  /**
   * By a model's {@code config.json}.
   *
   * @param vocabularySize an id outside it is as good as none
   */
  static OptionalInt of(JsonNode config, int vocabularySize) {
    for (String key : List.of("bos_token_id", "eos_token_id")) {
      JsonNode value = config.path(key);
      JsonNode id = value.isArray() ? value.path(0) : value;
      if (id.canConvertToInt() && id.intValue() >= 0 && id.intValue() < vocabularySize) {
        return OptionalInt.of(id.intValue());
      }
    }
    return OptionalInt.empty();
  }

  /** Where the configuration names none: a token of a well-known name. */
  static OptionalInt known(Function<String, OptionalInt> idOf) {
    return NAMES.stream()
        .map(idOf)
        .filter(OptionalInt::isPresent)
        .findFirst()
        .orElse(OptionalInt.empty());
  }
}
