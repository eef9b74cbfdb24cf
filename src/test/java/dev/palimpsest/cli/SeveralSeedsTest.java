package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.cli.TrainRuns.Outcome;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Coders of several seeds go through every stage side by side. */
final class SeveralSeedsTest {
  @TempDir private Path folder;

  @Test
  void everySeedHasItsOwnAndTheReportSumsThemUp() throws Exception {
    MiniRun mini = MiniRun.in(folder.resolve("mini"));

    Outcome all = mini.everything("--set=train.seeds=[3, 7]");

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
    assertThat(MiniRun.done(mini.everything("--set=train.seeds=[3, 7]"))).containsExactly("report");
    assertThat(mini.stage("inspect", "0", "--hookpoint", "layers.2.mlp/seed7", "--json").status())
        .isZero();
  }
}
