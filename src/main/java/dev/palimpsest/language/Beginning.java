package dev.palimpsest.language;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.text.Tokenizer;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;

/** Which token a model's tokenizer puts before a text. */
final class Beginning {
  private Beginning() {}

  /**
   * By {@code tokenizer_config.json} where it says, else by the template of one text in {@code
   * tokenizer.json}.
   */
  static OptionalInt of(Path folder, TokenizerSettings settings, Tokenizer tokenizer) {
    Optional<Boolean> adds = settings.addsBeginning();
    OptionalInt templated =
        template(
            TokenizerSettings.read(folder, "tokenizer.json").path("post_processor"), tokenizer);
    if (adds.isEmpty()) {
      return templated;
    }
    if (!adds.get()) {
      return OptionalInt.empty();
    }
    return settings
        .token("bos_token")
        .map(tokenizer::tokenSpelled)
        .filter(OptionalInt::isPresent)
        .orElse(templated);
  }

  /** The special token that a post-processor, or one of several, puts first. */
  private static OptionalInt template(JsonNode processor, Tokenizer tokenizer) {
    for (JsonNode part : processor.path("processors")) {
      OptionalInt found = template(part, tokenizer);
      if (found.isPresent()) {
        return found;
      }
    }
    JsonNode first = processor.path("single").path(0).path("SpecialToken").path("id");
    return first.isTextual() ? tokenizer.tokenSpelled(first.textValue()) : OptionalInt.empty();
  }
}
