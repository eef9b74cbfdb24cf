package dev.palimpsest.language;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The tokens that end an answer. */
final class StopTokens {
  private StopTokens() {}

  /** {@code eos_token_id} of {@code generation_config.json}, else of {@code config.json}. */
  static Set<Integer> of(Path folder) {
    for (String file : List.of("generation_config.json", "config.json")) {
      JsonNode ids = TokenizerSettings.read(folder, file).path("eos_token_id");
      Set<Integer> stops = new HashSet<>();
      if (ids.canConvertToInt()) {
        stops.add(ids.intValue());
      }
      ids.forEach(id -> stops.add(id.intValue()));
      if (!stops.isEmpty()) {
        return stops;
      }
    }
    return Set.of();
  }
}
