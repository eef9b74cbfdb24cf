package dev.palimpsest.cli;

import static dev.palimpsest.cli.MiniRun.done;
import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.cli.TrainRuns.Outcome;
import dev.palimpsest.coder.SparseCoder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run is what its files contain, not where they lie or by which command it was made. */
final class RunIdentityTest {
  private static final List<String> BEHIND_THE_CODER =
      List.of(
          "cache",
          "explain",
          "cache.score-split",
          "score",
          "simulate.last-token",
          "simulate.all-tokens",
          "rewrite.last-token",
          "rewrite.all-tokens",
          "report");

  @TempDir private static Path shared;
  private static MiniRun base;

  @TempDir private Path folder;

  @BeforeAll
  static void runOnce() throws IOException {
    base = MiniRun.in(shared.resolve("base"));
    Outcome first = base.everything();
    assertThat(first.status()).as(first.err()).isZero();
    assertThat(done(first)).hasSize(1 + BEHIND_THE_CODER.size());
  }

  @Test
  void unchangedNothingIsDoneAgainByEitherWay() {
    assertThat(done(base.everything())).containsExactly("report");
    for (String stage : List.of("cache", "explain", "score", "simulate", "rewrite")) {
      Outcome alone = base.stage(stage);
      assertThat(alone.status()).as(alone.err()).isZero();
      assertThat(done(alone)).as(stage).isEmpty();
    }
    assertThat(done(base.everything())).containsExactly("report");
  }

  @Test
  void theSameThingsUnderOtherNamesAreTheSame() throws IOException {
    MiniRun mini = base.copy(folder.resolve("moved"));
    Path link = Files.createSymbolicLink(folder.resolve("link"), mini.model());
    Path relative = Path.of("").toAbsolutePath().relativize(mini.model());
    Path renamed = Files.copy(mini.text(), folder.resolve("other.jsonl"));
    for (String model : List.of(mini.model() + "/", link.toString(), relative.toString())) {
      Outcome again = mini.everything("--set=model=" + model, "--set=data.files=[" + renamed + "]");
      assertThat(again.status()).as(again.err()).isZero();
      assertThat(done(again)).as(model).containsExactly("report");
      assertThat(mini.config()).doesNotContain("\"../").doesNotContain(": ../");
    }
  }

  @Test
  void anotherTextUnderTheSameNameIsRefusedAndForceStartsAnew() throws IOException {
    MiniRun mini = base.copy(folder.resolve("text"));
    Files.write(mini.text(), MiniRun.stories(400));
    String before = mini.config();

    Outcome refused = mini.everything();

    assertThat(refused.status()).isEqualTo(2);
    assertThat(refused.err()).contains("the text " + mini.text() + " has another content");
    assertThat(refused.err()).contains("--force").doesNotContain("--overwrite");
    Outcome stage = mini.stage("cache");
    assertThat(stage.status()).isEqualTo(2);
    assertThat(stage.err()).contains("has another content").doesNotContain("--force");
    assertThat(mini.config()).isEqualTo(before);

    Outcome anew = mini.everything("--force");

    assertThat(anew.status()).as(anew.err()).isZero();
    assertThat(done(anew)).hasSize(1 + BEHIND_THE_CODER.size());
    assertThat(done(mini.everything())).containsExactly("report");
  }

  @Test
  void replacedWeightsAreNoticedAndForceReplacesEverythingMadeFromThem() throws IOException {
    MiniRun mini = base.copy(folder.resolve("weights"));
    String coder = Files.readString(mini.file("stages/train.json"));
    MiniRun.flip(mini.model().resolve("model.safetensors"), 3);

    Outcome refused = mini.everything();

    assertThat(refused.status()).isEqualTo(2);
    assertThat(refused.err())
        .contains("model.safetensors of the model " + mini.model() + " has another content");
    assertThat(mini.stage("rewrite").status()).isEqualTo(2);

    Outcome anew = mini.everything("--force");

    assertThat(anew.status()).as(anew.err()).isZero();
    assertThat(done(anew)).hasSize(1 + BEHIND_THE_CODER.size());
    assertThat(Files.readString(mini.file("stages/train.json"))).isNotEqualTo(coder);
  }

  @Test
  void whatIsOnlyLookedAtIsRefusedAsWell() throws IOException {
    MiniRun mini = base.copy(folder.resolve("looked-at"));
    Files.write(mini.text(), MiniRun.stories(400));
    Outcome text = mini.stage("inspect", "3");
    assertThat(text.status()).isEqualTo(2);
    assertThat(text.err()).isEqualTo(mini.stage("report").err());
    assertThat(text.err()).contains("the text " + mini.text() + " has another content");

    // A run that was archived without its text is still looked at.
    Files.delete(mini.text());
    Outcome archived = mini.stage("inspect", "3", "--json");
    assertThat(archived.status()).as(archived.err()).isZero();
    assertThat(archived.json().path("density").isNumber()).isTrue();

    MiniRun.flip(mini.model().resolve("model.safetensors"), 3);
    Outcome weights = mini.stage("inspect", "3");
    assertThat(weights.status()).isEqualTo(2);
    assertThat(weights.err()).contains("model.safetensors").contains("another content");
    assertThat(mini.stage("inspect", "3", "--model", "embedded").status()).isZero();
  }

  @Test
  void withoutACacheNoNumbersAreMadeUp() throws IOException {
    MiniRun mini = base.copy(folder.resolve("no-cache"));
    TrainRuns.removeTree(mini.file("latents"));
    Outcome page = mini.stage("inspect", "3", "--json");
    assertThat(page.status()).as(page.err()).isZero();
    assertThat(page.json().path("density").isNull()).isTrue();
    assertThat(page.json().path("maximum").isNull()).isTrue();
    Outcome shown = mini.stage("inspect", "3");
    assertThat(shown.out()).contains("how often it is active is not known").doesNotContain("0 %");
    Outcome report = mini.stage("report");
    assertThat(report.status()).as(report.err()).isZero();
    assertThat(Files.readString(mini.file("report.html")))
        .contains("no latent cache that holds")
        .doesNotContain("active at");
  }

  @Test
  void aReplacedCoderGivenByPathIsTakenAnew() throws IOException {
    MiniRun mini = base.copy(folder.resolve("given"));
    Path given = folder.resolve("coder");
    MiniRun.copyTree(mini.file("coder/" + MiniRun.HOOKPOINT), given);
    String entry =
        "--set=coders=[{hookpoint: layers.2.mlp, transcode: true, path: '" + given + "'}]";
    TrainRuns.removeTree(mini.run());
    Outcome first = mini.everything(entry);
    assertThat(first.status()).as(first.err()).isZero();
    assertThat(done(mini.everything(entry))).containsExactly("report");

    try (SparseCoder coder = SparseCoder.load(given)) {
      coder.encoderBias().put(0, 0.25f);
      coder.save(given);
    }

    Outcome alone = mini.stage("cache", "--no-refresh");
    assertThat(alone.status()).isEqualTo(1);
    assertThat(alone.err()).contains("the coder " + given).contains("has changed");
    Outcome again = mini.everything(entry);
    assertThat(again.status()).as(again.err()).isZero();
    assertThat(done(again)).startsWith("train", "cache");
  }
}
