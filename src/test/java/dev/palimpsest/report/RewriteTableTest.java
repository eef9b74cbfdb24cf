package dev.palimpsest.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.results.Interval;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RewriteTableTest {
  private static final String FILE =
      """
      {"hookpoint": "layers.2.mlp", "protocol": "all-tokens", "windows": 100, "tokens": 12700, "seed": 1,
       "baselines": {
         "unspliced": {"ce": 2.5, "ce_delta_mean": 0, "ce_delta_ci95": [0, 0], "kl": 0},
         "transcoder": {"ce": 2.6, "ce_delta_mean": 0.1, "ce_delta_ci95": [0.09, 0.11], "kl": 0.1},
         "zero_latents": {"ce": 2.9, "ce_delta_mean": 0.4, "ce_delta_ci95": [0.35, 0.45], "kl": 0.4, "more": 1}},
       "rewrites": [
         {"simulator": "lexical", "calibration": "none", "selection": "best", "fraction": 1, "reselect": false,
          "ce": 4.5, "ce_delta_mean": 2.0, "ce_delta_ci95": [1.9, 2.1], "ce_delta_median": 1.8, "kl": 2.2,
          "loss_recovered": null, "loss_recovered_ci95": null, "p_vs_zero_latents": 1e-20, "ce_zero_same": 2.9,
          "p_vs_zero_same": 0.25},
         {"simulator": "lexical", "calibration": "conditional-mean", "selection": "best", "fraction": 1.0,
          "reselect": false, "ce": 2.75, "ce_delta_mean": 0.25, "ce_delta_ci95": [0.2, 0.3], "ce_delta_median": 0.2,
          "kl": 0.3, "loss_recovered": 0.5, "loss_recovered_ci95": [0.4, 0.6], "p_vs_zero_latents": 0.0004,
          "ce_zero_same": 2.9, "p_vs_zero_same": 0.0004},
         {"simulator": "lexical", "calibration": "conditional-mean", "selection": "best", "fraction": 0.1,
          "reselect": false, "ce": 2.61, "ce_delta_mean": 0.11, "ce_delta_ci95": [0.1, 0.12],
          "ce_delta_median": 0.1, "kl": 0.11, "loss_recovered": 0.96, "loss_recovered_ci95": [0.9, 1.0],
          "p_vs_zero_latents": 1e-9, "ce_zero_same": 2.65, "p_vs_zero_same": 0.01},
         {"simulator": "lexical", "calibration": "conditional-mean", "selection": "random", "fraction": 1.0,
          "reselect": false, "ce": 2.75, "ce_delta_mean": 0.25, "ce_delta_ci95": [0.2, 0.3], "ce_delta_median": 0.2,
          "kl": 0.3, "loss_recovered": 0.5, "loss_recovered_ci95": [0.4, 0.6], "p_vs_zero_latents": 0.0004,
          "ce_zero_same": 2.9, "p_vs_zero_same": 0.0004}]}
      """;

  @TempDir Path folder;

  @Test
  void readsTheFileOfTheRewriteStage() throws Exception {
    RewriteTable table = read(FILE);
    assertThat(table.hookpoint()).isEqualTo("layers.2.mlp");
    assertThat(table.tokens()).isEqualTo(12700);
    assertThat(table.baselines().keySet())
        .containsExactly("unspliced", "transcoder", "zero_latents");
    assertThat(table.delta("zero_latents")).hasValue(0.4);
    assertThat(table.delta("nothing")).isEmpty();
    assertThat(table.unsplicedCe()).hasValue(2.5);
    assertThat(table.rewrites()).hasSize(4);
    assertThat(table.rewrites().get(0).lossRecovered()).isEmpty();
    assertThat(table.rewrites().get(1).ceDeltaCi95()).contains(new Interval(0.2, 0.3));
  }

  @Test
  void whatIsNoRewriteResultIsRefusedByName() throws Exception {
    assertThatThrownBy(() -> read("{}"))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("hookpoint");
    assertThatThrownBy(() -> read("{"))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("r.json");
    assertThatThrownBy(() -> RewriteTable.read(folder.resolve("absent.json")))
        .hasMessageContaining("absent.json");
  }

  @Test
  void sayItInWords() throws Exception {
    List<String> sentences = Headline.sentences(read(FILE));
    assertThat(sentences).hasSize(3);
    assertThat(sentences.get(0))
        .contains("costs +0.400 nats per token")
        .contains("place costs +0.100");
    assertThat(sentences.get(1))
        .contains("All latents rewritten")
        .contains("conditional-mean")
        .contains("+0.250 nats [+0.200, +0.300]")
        .contains("loss recovered 50 % [40, 60]; better than deleting them (p = 4e−4).");
    assertThat(sentences.get(2))
        .contains("best-scored 10 %")
        .contains("+0.110 nats, against +0.150")
        .contains("p = 0.010");
  }

  @Test
  void worseAndUndecidedRewritesAreCalledThat() throws Exception {
    String worse = FILE.replace("\"loss_recovered\": 0.5,", "\"loss_recovered\": -0.5,");
    assertThat(Headline.sentences(read(worse)).get(1))
        .contains("loss recovered −50 %")
        .contains("worse than deleting");
    String undecided = FILE.replace("\"p_vs_zero_latents\": 0.0004", "\"p_vs_zero_latents\": 0.3");
    assertThat(Headline.sentences(read(undecided)).get(1))
        .contains("not distinguishable from deleting them (p = 0.300)");
    String undefined = FILE.replace("\"loss_recovered\": 0.5,", "\"loss_recovered\": null,");
    assertThat(Headline.sentences(read(undefined)).get(1))
        .contains("loss recovered not defined")
        .endsWith(".");
    String corrected =
        FILE.replace(
            "\"p_vs_zero_same\": 0.01", "\"p_vs_zero_same\": 0.01, \"p_vs_zero_same_holm\": 0.03");
    assertThat(Headline.sentences(read(corrected)).get(2))
        .endsWith("(p = 0.010; by Holm's correction, as it was sought out, p = 0.030).");
    assertThat(Headline.sentences(read(corrected.replace("_holm\": 0.03", "_holm\": 0.3"))).get(2))
        .startsWith("At no smaller share");
    String never = FILE.replace("\"p_vs_zero_same\": 0.01", "\"p_vs_zero_same\": 0.5");
    assertThat(Headline.sentences(read(never)).get(2)).startsWith("At no smaller share");
  }

  @Test
  void markdownTables() throws Exception {
    RewriteTable table = read(FILE);
    assertThat(Markdown.summary(table).lines())
        .hasSize(2 + 3 + 2)
        .contains(
            "| zero latents | 2.900 | +0.400 [+0.350, +0.450] |  | 0.400 | – |  |  |  |  |",
            "| words: all latents, lexical, conditional-mean | 2.750 | +0.250 [+0.200, +0.300] |"
                + " +0.200 | 0.300 | – | 0.50 [0.40, 0.60] | 4e−4 | 4e−4 | – |");
    String whole =
        FILE.replace(
            "\"p_vs_zero_same\": 0.0004",
            "\"p_vs_zero_same\": 0.0004, \"fve\": 0.625, \"beyond_strongest\": {\"loss_recovered\":"
                + " 0.375, \"loss_recovered_ci95\": [0.25, 0.5], \"p\": 0.01}");
    assertThat(Markdown.summary(read(whole)))
        .contains("| 0.300 | 0.625 | 0.50 [0.40, 0.60] | 4e−4 | 4e−4 | 0.38 [0.25, 0.50] |");
    String corrected =
        FILE.replace(
            "\"p_vs_zero_same\": 0.0004",
            "\"p_vs_zero_same\": 0.0004, \"p_vs_zero_same_holm\": 0.002");
    assertThat(Markdown.summary(read(corrected))).contains("| 4e−4 | 4e−4 (0.002) |");
    assertThat(Markdown.losses(table).lines()).hasSize(2 + 3 + 4);
    assertThat(Markdown.table(List.of("a|b", ">n"), List.of(List.of("x\n<y>", "1"))))
        .isEqualTo("| a\\|b | n |\n|---|---:|\n| x↵&lt;y> | 1 |\n");
    assertThatThrownBy(() -> Markdown.table(List.of("a"), List.of(List.of("x", "y"))))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void trainingCurvesFromTheMetrics() throws Exception {
    Path metrics = folder.resolve("metrics.jsonl");
    assertThat(TrainingCurve.readAll(metrics)).isEmpty();
    Files.writeString(
        metrics,
        """
        {"step":1,"tokens":64,"fvu":0.9,"coders":[{"coder":"a","fvu":0.9,"lr":1e-3},{"coder":"b","fvu":"NaN"}]}
        {"step":2,"fvu":0.5,"coders":[{"coder":"a","fvu":0.5,"held_out_fvu":0.6,"ce_loss_score":0.7},{"coder":"b","fvu":1.5}]}
        {"step":3,"fvu":0.4,"cod\
        """);
    List<TrainingCurve> curves = TrainingCurve.readAll(metrics);
    assertThat(curves).extracting(TrainingCurve::coder).containsExactly("a", "b");
    assertThat(curves.get(0).steps())
        .containsExactly(new TrainingCurve.Step(1, 0.9), new TrainingCurve.Step(2, 0.5));
    assertThat(curves.get(0).heldOut())
        .containsExactly(new TrainingCurve.HeldOut(2, 0.6, java.util.OptionalDouble.of(0.7)));
    assertThat(curves.get(1).steps()).containsExactly(new TrainingCurve.Step(2, 1.5));
  }

  private RewriteTable read(String json) throws Exception {
    return RewriteTable.read(Files.writeString(folder.resolve("r.json"), json));
  }
}
