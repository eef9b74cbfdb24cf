package dev.palimpsest.prompted;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.language.Prompt;
import dev.palimpsest.llm.Reply;
import dev.palimpsest.llm.Usage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What language models write is read as it is meant, or not at all. */
class AnswersTest {
  @Test
  void explanationStandsBehindTheLastMark() {
    assertThat(PromptedExplainer.explanation("[EXPLANATION]: months")).contains("months");
    assertThat(
            PromptedExplainer.explanation(
                "I write [EXPLANATION]: so.\n\n[explanation]:  days of weeks \nGood?"))
        .contains("days of weeks");
    assertThat(PromptedExplainer.explanation("[EXPLANATION]:\nbelow")).contains("below");
    for (String none : List.of("", "months", "EXPLANATION: months", "[EXPLANATION]: \n ")) {
      assertThat(PromptedExplainer.explanation(none)).as(none).isEmpty();
    }
  }

  @Test
  void listsOfTheRightLengthAreRead() {
    assertThat(Judge.answers("[1, 0,1]", 3)).hasValue(new boolean[] {true, false, true});
    assertThat(Judge.answers("Text 1: yes. [0] so [0,0]", 2)).hasValue(new boolean[2]);
    for (String none : List.of("", "[1, 0]", "[1, 0, 2]", "1, 0, 1", "[1; 0; 1]", "[1, 0, 1")) {
      assertThat(Judge.answers(none, 3)).as(none).isEmpty();
    }
  }

  @Test
  void ratingIsTheExpectedDigit() {
    Reply.Labelled half =
        new Reply.Labelled(
            List.of(0.25, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.25), 10, 0, Usage.NONE);
    assertThat(DigitRating.of(half, false)).isEqualTo(2.5f, within(1e-6f));
    assertThat(DigitRating.of(half, true)).isEqualTo(5f, within(1e-6f));
    Reply.Labelled nothing =
        new Reply.Labelled(java.util.Collections.nCopies(10, 0.0), 0, 1, Usage.NONE);
    assertThat(DigitRating.of(nothing, false)).isNaN();
    assertThat(DigitRating.of(new Reply.Refused("no", Usage.NONE), false)).isNaN();
  }

  @Test
  void countsBecomeFigures() {
    JudgedScore score = new JudgedScore(0, "detection", 6, 2, 8, 4, 1);
    assertThat(score.recall()).isEqualTo(0.6, within(1e-12));
    assertThat(score.precision()).isEqualTo(0.75, within(1e-12));
    assertThat(score.balancedAccuracy()).isEqualTo(0.7, within(1e-12));
    assertThat(score.f1()).isEqualTo(2 * 0.6 * 0.75 / 1.35, within(1e-12));
    assertThat(score.correlation()).isEqualTo(40 / Math.sqrt(8.0 * 10 * 10 * 12), within(1e-12));
    assertThat(new JudgedScore(0, "fuzzing", 3, 0, 0, 0, 7).wasJudged()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "explain.paper",
        "explain.chain-of-thought",
        "explain.contrastive",
        "explain.promoted",
        "simulate.token",
        "simulate.window",
        "score.detection",
        "score.fuzzing"
      })
  void promptsOfTheProgramAreFilled(String name) {
    Map<String, Object> example = Map.of("text", "a <<b>>", "activations", "(\"b\", 9)");
    Map<String, Object> places = new java.util.HashMap<>();
    places.put("text", "a text");
    places.put("lines", "a\tunknown\n text\tunknown");
    places.putAll(
        Map.of(
            "examples",
            List.of(example, example),
            "contrasts",
            List.of("silence"),
            "promoted",
            List.of(" one", " two"),
            "demoted",
            List.of("three"),
            "explanation",
            "EXPLAINED",
            "window",
            "win<<dow>>",
            "texts",
            List.of("first", "second")));
    Prompt.Chat chat = (Prompt.Chat) PromptForm.of(Optional.empty(), name).filled(places, true);
    List<Prompt.Message> turns = chat.messages();
    assertThat(turns.get(0).role()).isEqualTo("system");
    String asked = turns.get(turns.size() - 1).content();
    assertThat(turns.get(turns.size() - 1).role())
        .isEqualTo(name.equals("simulate.window") ? "assistant" : "user");
    assertThat(asked).doesNotContain("{{", "{%");
    switch (name) {
      case "explain.contrastive" ->
          assertThat(asked)
              .contains("Example 2: a <<b>>\nActivations: (\"b\", 9)\nSILENT: silence");
      case "explain.promoted" ->
          assertThat(asked).isEqualTo("Likelier: \" one\", \" two\"\nUnlikelier: \"three\"");
      case "simulate.window" -> assertThat(asked).isEqualTo("a\tunknown\n text\tunknown");
      case "simulate.token" ->
          assertThat(asked).isEqualTo("Description: EXPLAINED\nText: win<<dow>>");
      case "score.detection", "score.fuzzing" ->
          assertThat(asked).isEqualTo("Description: EXPLAINED\nText 1: first\nText 2: second");
      default -> assertThat(asked).endsWith("Example 2: a <<b>>\nActivations: (\"b\", 9)");
    }
    Prompt.Text text = (Prompt.Text) PromptForm.of(Optional.empty(), name).filled(places, false);
    assertThat(text.text()).endsWith(asked + "\n");
  }

  @Test
  void faultsOfAPromptFileNameIt(@TempDir Path folder) throws IOException {
    for (String wrong :
        List.of("", "7", "- {role: user}", "- {role: user, content: '{% x'}", "[")) {
      Path file = folder.resolve("wrong.yaml");
      Files.writeString(file, wrong);
      assertThatThrownBy(() -> PromptForm.of(Optional.of(file.toString()), "x"))
          .as(wrong)
          .isInstanceOf(PalimpsestException.class)
          .hasMessageContaining("wrong.yaml");
    }
  }
}
