package dev.palimpsest.rewrite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.results.Interval;
import dev.palimpsest.results.Protocol;
import dev.palimpsest.results.RewriteConfig;
import dev.palimpsest.results.RewriteResult;
import dev.palimpsest.results.Selection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

/** The shape of rewrite.json. */
class RewriteResultTest {
  private static final RewriteResult RESULT = example();

  @Test
  void hasTheKeysReadersRelyOn() throws Exception {
    JsonNode json = Json.MAPPER.readTree(Json.pretty(RESULT));
    assertThat(json.path("hookpoint").asText()).isEqualTo("layers.2.mlp");
    assertThat(json.path("protocol").asText()).isEqualTo("all-tokens");
    assertThat(json.path("windows").asInt()).isEqualTo(7);
    assertThat(json.path("tokens").asInt()).isEqualTo(70);
    JsonNode baseline = json.path("baselines").path("unspliced");
    assertThat(baseline.fieldNames())
        .toIterable()
        .contains("ce", "ce_delta_mean", "ce_delta_ci95", "kl");
    assertThat(baseline.path("ce_delta_ci95").get(1).asDouble()).isEqualTo(0.25);
    JsonNode rewrite = json.path("rewrites").get(0);
    assertThat(rewrite.fieldNames())
        .toIterable()
        .contains(
            "simulator",
            "calibration",
            "selection",
            "fraction",
            "reselect",
            "ce",
            "ce_delta_mean",
            "ce_delta_ci95",
            "ce_delta_median",
            "kl",
            "loss_recovered",
            "loss_recovered_ci95",
            "p_vs_zero_latents",
            "ce_zero_same",
            "p_vs_zero_same",
            "fve",
            "beyond_strongest");
    assertThat(rewrite.path("beyond_strongest").fieldNames())
        .toIterable()
        .containsExactly("loss_recovered", "loss_recovered_ci95", "p", "p_holm");
    assertThat(json.path("strongest").asText()).isEqualTo("mean_latents");
    assertThat(rewrite.path("selection").asText()).isEqualTo("best");
    assertThat(rewrite.path("loss_recovered").isNull()).isTrue();
    assertThat(rewrite.path("loss_recovered_ci95").isNull()).isTrue();
  }

  @Test
  void isReadBackAsWritten() throws Exception {
    assertThat(Json.MAPPER.readValue(Json.pretty(RESULT), RewriteResult.class)).isEqualTo(RESULT);
  }

  @Test
  void configurationsThatCannotBeMeantAreRefused() {
    RewriteConfig config = RewriteConfig.allTokens();
    assertThatThrownBy(
            () ->
                config.withGrid(
                    config.calibrations(), List.of(0.0), config.selections(), config.reselect()))
        .isInstanceOf(UsageException.class)
        .hasMessage("rewrite fraction: found 0.0, expected in (0, 1]");
    assertThatThrownBy(() -> config.withWindows(0, 5)).isInstanceOf(UsageException.class);
    assertThatThrownBy(
            () ->
                Variant.all(
                    config.withGrid(
                        List.of("none", "none"),
                        config.fractions(),
                        config.selections(),
                        config.reselect()),
                    10,
                    java.util.Set.of(
                        RewriteResult.SHUFFLED_EXPLANATIONS, RewriteResult.SHUFFLED_UNREFITTED),
                    List.of()))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("asked for twice");
  }

  private static RewriteResult example() {
    Map<String, RewriteResult.Baseline> baselines = new LinkedHashMap<>();
    baselines.put(
        RewriteResult.UNSPLICED,
        new RewriteResult.Baseline(
            OptionalDouble.of(2),
            OptionalDouble.of(0.125),
            Optional.of(new Interval(0, 0.25)),
            OptionalDouble.of(0.125),
            OptionalDouble.empty(),
            OptionalDouble.of(1)));
    return new RewriteResult(
        "layers.2.mlp",
        Protocol.ALL_TOKENS,
        7,
        5,
        70,
        64,
        8,
        RewriteConfig.allTokens(),
        List.of(),
        Map.of(),
        baselines,
        Optional.of(RewriteResult.MEAN_LATENTS),
        List.of(),
        List.of(
            new RewriteResult.Rewrite(
                "lexical",
                "quantile",
                Selection.BEST,
                0.1,
                6,
                true,
                OptionalDouble.of(3),
                OptionalDouble.of(1),
                Optional.of(new Interval(0.5, 1.5)),
                OptionalDouble.of(0.75),
                OptionalDouble.of(0.5),
                OptionalDouble.of(0.4),
                OptionalDouble.empty(),
                Optional.empty(),
                OptionalDouble.of(0.01),
                OptionalDouble.of(0.02),
                OptionalDouble.of(2.5),
                OptionalDouble.of(0.5),
                OptionalDouble.of(0.03),
                OptionalDouble.empty(),
                OptionalDouble.of(1),
                new RewriteResult.BeyondStrongest(
                    OptionalDouble.of(0.25),
                    Optional.of(new Interval(0.2, 0.3)),
                    OptionalDouble.of(0.04),
                    OptionalDouble.of(0.08)))));
  }
}
