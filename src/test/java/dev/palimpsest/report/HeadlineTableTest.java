package dev.palimpsest.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.Json;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Many coders take a line each, and no more than a screen. */
class HeadlineTableTest {
  private static final String TABLE =
      """
      {"hookpoint": "layers.2.mlp", "protocol": "all-tokens", "windows": 4, "tokens": 400,
       "baselines": {"transcoder": {"ce": 2.5, "ce_delta_mean": 0.0312},
                     "zero_latents": {"ce": 2.7, "ce_delta_mean": 0.185}},
       "rewrites": [{"simulator": "lexical", "calibration": "conditional-mean", "selection": "best",
                     "fraction": 1.0, "reselect": false, "ce": 2.55, "ce_delta_mean": 0.052,
                     "ce_delta_ci95": [0.04, 0.064], "loss_recovered": 0.79,
                     "loss_recovered_ci95": [0.75, 0.83]}]}
      """;

  @Test
  void everyCoderHasALineUnderTheHeadings() throws Exception {
    Map<String, RewriteTable> tables = new LinkedHashMap<>();
    tables.put("layers.2.mlp/seed1", table(TABLE));
    tables.put("layers.10", table("{\"baselines\": {}, \"rewrites\": []}"));
    assertThat(HeadlineTable.lines(tables))
        .containsExactly(
            "added CE of         true coder  zero latents  all in words [95 %]"
                + "      recovered [95 %]",
            "layers.2.mlp/seed1  +0.031      +0.185        +0.052 [+0.040, +0.064]"
                + "  0.79 [0.75, 0.83]",
            "layers.10           –           –             –                        –");
  }

  @Test
  void beyondTwentyTheyAreCounted() throws Exception {
    Map<String, RewriteTable> tables = new LinkedHashMap<>();
    for (int coder = 0; coder < 23; coder++) {
      tables.put("layers." + coder, table(TABLE));
    }
    List<String> lines = HeadlineTable.lines(tables);
    assertThat(lines).hasSize(22).last().isEqualTo("… and 3 more");
    assertThat(lines.get(20)).startsWith("layers.19 ");
  }

  private static RewriteTable table(String json) throws Exception {
    return RewriteTable.from(Json.MAPPER.readValue(json, JsonNode.class));
  }
}
