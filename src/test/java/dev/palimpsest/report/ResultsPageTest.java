package dev.palimpsest.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.results.Interval;
import dev.palimpsest.results.RecordedResult;
import dev.palimpsest.results.RecordedResult.Row;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class ResultsPageTest {
  private static Row row(String name, double added, double recovered) {
    return new Row(
        name,
        OptionalDouble.of(2 + added),
        OptionalDouble.of(added),
        Optional.of(new Interval(added - .01, added + .01)),
        OptionalDouble.of(.5),
        OptionalDouble.of(recovered),
        Optional.of(new Interval(recovered - .02, recovered + .02)),
        OptionalDouble.of(recovered - .1),
        Optional.empty(),
        List.of(OptionalDouble.of(recovered)),
        List.of(OptionalDouble.empty()),
        OptionalDouble.of(.1),
        Optional.empty(),
        OptionalDouble.of(.01),
        OptionalDouble.of(.02));
  }

  private static RecordedResult result(String section, boolean brief, double characters) {
    return new RecordedResult(
        "n",
        section,
        "budget " + characters,
        brief,
        List.of("palimpsest run x.yaml"),
        "0.1",
        "layers.2.mlp",
        "all-tokens",
        1,
        8,
        4,
        1000,
        64,
        8,
        "mean_latents",
        "conditional-mean/best/1.0",
        List.of(
            row("transcoder", .05, 1),
            row("zero_latents", .6, 0),
            row("mean_latents", .5, .1),
            row("rival/bigram", .1, .9),
            row("conditional-mean/best/1.0", 10 / characters, .7)),
        new RecordedResult.Words(60, characters - 3, 3, 400),
        List.of(new RecordedResult.Quoted(7, "Fires on dog | cat.")),
        Optional.empty());
  }

  @Test
  void aWholeResultHasItsTableItsCommandAndItsWords() {
    String page = ResultsPage.of(List.of(result("Model", false, 100)), "results");
    assertThat(page)
        .contains("\n## Model\n\n### budget 100.0\n\n```sh\npalimpsest run x.yaml\n```\n")
        .contains("97 characters on average and 3 of the glossary, 100 together; the longest 400")
        .contains("recovered from mean latents")
        .contains("| no words: bigram | 2.100 |")
        .contains("| words: conditional-mean (the rewrite) |")
        .contains("- 7: Fires on dog \\| cat.");
    assertThat(ResultsPage.figures(List.of(result("Model", false, 100)))).isEmpty();
  }

  @Test
  void textsOfSeveralLengthsAreDrawnAsACurve() {
    List<RecordedResult> results =
        List.of(
            result("Loss: characters", true, 50),
            result("Loss: characters", true, 100),
            result("Loss: characters", true, 200));
    assertThat(ResultsPage.figures(results)).containsOnlyKeys("loss-characters.svg");
    assertThat(ResultsPage.figures(results).get("loss-characters.svg"))
        .startsWith("<?xml")
        .contains("characters a latent, glossary included")
        .contains("zero latents")
        .contains("budget 50.0");
    assertThat(ResultsPage.of(results, "results"))
        .contains("![Loss: characters](results/loss-characters.svg)")
        .contains("| budget 50.0 | 1 | 50 | 400 | +0.050 | +0.600 |")
        .containsOnlyOnce("| what |");
  }
}
