package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.palimpsest.base.StateFiles;
import dev.palimpsest.cli.TrainRuns.Outcome;
import dev.palimpsest.results.RecordedResult;
import dev.palimpsest.results.RewriteResult;
import dev.palimpsest.results.TogetherResult;
import dev.palimpsest.rewrite.RewriteStage;
import dev.palimpsest.rivals.RivalKind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Coders of several seeds go through every stage side by side. */
final class SeveralSeedsTest {
  @TempDir private Path folder;

  @Test
  void everySeedHasItsOwnAndTheReportSumsThemUp() throws Exception {
    MiniRun mini = MiniRun.in(folder.resolve("mini"));

    String[] settings = {
      "--set=train.seeds=[3, 7]",
      "--set=rewrite.rivals=["
          + Arrays.stream(RivalKind.values())
              .map(RivalKind::label)
              .collect(Collectors.joining(", "))
          + "]",
      "--set=rewrite.rival_tokens=3000",
      "--set=rewrite.paraphrase=true"
    };
    Outcome all = mini.everything(settings);

    assertThat(all.status()).as(all.err()).isZero();
    for (String seed : List.of("layers.2.mlp/seed3", "layers.2.mlp/seed7")) {
      for (String name :
          List.of(
              "coder/" + seed + "/sae.safetensors",
              "latents/" + seed + "/config.json",
              "explanations/" + seed + ".jsonl",
              "scores/" + seed + ".jsonl",
              "simulations/" + seed + ".all-tokens.jsonl",
              "rewrites/" + seed + ".all-tokens.json",
              "rewrites/" + seed + ".all-tokens.losses.safetensors")) {
        assertThat(mini.file(name)).exists();
      }
      assertThat(all.out()).contains("\n" + seed + "  ");
    }
    assertThat(Files.readString(mini.file("explanations/layers.2.mlp/seed3.jsonl")))
        .isNotEqualTo(Files.readString(mini.file("explanations/layers.2.mlp/seed7.jsonl")));
    assertThat(all.out()).contains("layers.2.mlp over 2 seeds, median [range]");
    assertThat(Files.readString(mini.file("report.html")))
        .contains("layers.2.mlp over 2 seeds, median [range]")
        .contains("layers.2.mlp/seed7");
    assertThat(MiniRun.done(mini.everything(settings))).containsExactly("report");
    assertThat(mini.stage("inspect", "0", "--hookpoint", "layers.2.mlp/seed7", "--json").status())
        .isZero();
    keepsTheSeedsAsOneResult(mini);
  }

  @Test
  void severalLayersAreRewrittenAtOnce() throws Exception {
    MiniRun mini = MiniRun.in(folder.resolve("mini"));
    String[] settings = {
      "--set=coders=[{hookpoint: 'layers.[12].mlp', transcode: true, num_latents: 32, k: 4}]",
      "--set=rewrite.together=true",
      "--set=rewrite.last_token.enabled=false"
    };
    Outcome all = mini.everything(settings);
    assertThat(all.status()).as(all.err()).isZero();
    assertThat(all.out()).contains("layers.1.mlp, layers.2.mlp together in words: ");
    TogetherResult result =
        StateFiles.read(mini.file("rewrites/together.all-tokens.json"), TogetherResult.class);
    assertThat(result.hookpoints()).containsExactly("layers.1.mlp", "layers.2.mlp");
    assertThat(result.rows()).hasSize(3 * 5);
    assertThat(MiniRun.done(mini.everything(settings))).containsExactly("report");
    Outcome alone = MiniRun.in(folder.resolve("other")).everything("--set=rewrite.together=true");
    assertThat(alone.status()).isEqualTo(2);
    assertThat(alone.err()).contains("rewrite.together: expected coders of two layers or more");
  }

  private void keepsTheSeedsAsOneResult(MiniRun mini) throws Exception {
    Path records = Files.createDirectory(folder.resolve("results"));
    Outcome kept =
        TrainRuns.palimpsest(
            "results",
            records.toString(),
            "--record",
            "mini",
            "--run",
            mini.run().toString(),
            "--section",
            "Small",
            "--title",
            "The mini run",
            "--made-by",
            "palimpsest run mini.yaml");
    assertThat(kept.status()).as(kept.err()).isZero();
    RecordedResult result = StateFiles.read(records.resolve("mini.json"), RecordedResult.class);
    assertThat(result.seeds()).isEqualTo(2);
    assertThat(result.quoted()).hasSize(10).doesNotHaveDuplicates();
    RecordedResult.Row words =
        result.rows().stream()
            .filter(row -> row.name().equals(result.headline()))
            .findFirst()
            .orElseThrow();
    double sum = 0;
    for (String seed : List.of("seed3", "seed7")) {
      RewriteResult table =
          RewriteStage.read(mini.file("rewrites/layers.2.mlp/" + seed + ".all-tokens.json"));
      sum += table.headline().orElseThrow().ce().orElseThrow();
      assertThat(
              Objects.requireNonNull(table.baselines().get(RewriteResult.PARAPHRASED))
                  .ce()
                  .orElseThrow())
          .isCloseTo(table.headline().orElseThrow().ce().orElseThrow(), within(1e-6));
    }
    assertThat(words.ce().orElseThrow()).isCloseTo(sum / 2, within(1e-4));
    for (RivalKind kind : RivalKind.values()) {
      assertThat(result.rows()).anyMatch(row -> row.name().equals("rival/" + kind.label()));
    }
    assertThat(words.p()).isEmpty();
    assertThat(words.lessThanThis()).hasValue(0);
    assertThat(Files.readString(folder.resolve("results.md")))
        .contains("\n## Small\n")
        .contains("### The mini run")
        .contains("palimpsest run mini.yaml")
        .contains("(the rewrite)")
        .contains("\n- " + result.quoted().get(0).latent() + ": ");
    assertThat(TrainRuns.palimpsest("results", folder.resolve("none").toString()).status())
        .isEqualTo(2);
  }
}
