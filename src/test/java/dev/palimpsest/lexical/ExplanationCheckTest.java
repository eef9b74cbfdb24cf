package dev.palimpsest.lexical;

import static dev.palimpsest.lexical.TestVocabulary.LEXICON;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.explain.ExplanationStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Files of explanations in the small English: faults and unknown names with file, line and place.
 */
class ExplanationCheckTest {
  private static final int LATENTS = 40;

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve("layers.2.mlp.jsonl");
  }

  private ExplanationCheck check(String... texts) {
    List<Explanation> explanations = new ArrayList<>();
    for (String text : texts) {
      explanations.add(new Explanation(explanations.size() + 5, text, "me"));
    }
    ExplanationStore.write(file, explanations);
    return ExplanationCheck.read(file, LATENTS, LEXICON);
  }

  @Test
  void goodFilesPass() {
    ExplanationCheck check = check("Strong on cat, -ing.", "More after the. Else scant.");
    assertThat(check.warnings()).isEmpty();
    assertThat(check.strict()).hasSize(2).isEqualTo(ExplanationStore.read(file));
  }

  @Test
  void unknownNamesAreToldWithTheNearest() {
    ExplanationCheck check =
        check("Strong on cat.", "Strong on cat, catt, '-cat'; fair on the Dgo, '\\#99999;'.");
    assertThat(check.explanations()).hasSize(2);
    assertThat(check.warnings())
        .satisfiesExactly(
            first ->
                assertThat(first)
                    .startsWith(
                        file + " line 2, latent 6, character 16: no token or class is \" catt\"")
                    .contains("never matches", "nearest: cat"),
            second -> assertThat(second).contains("character 22: no token or class is \"-cat\""),
            third -> assertThat(third).contains("character 42: no token or class is \" Dgo\""),
            fourth -> assertThat(fourth).contains("no token or class is \"\\#99999;\""));
    assertThatThrownBy(check::strict)
        .isInstanceOf(PalimpsestException.class)
        .hasMessage(check.warnings().get(0));
  }

  @Test
  void manyUnknownNamesAreCounted() {
    ExplanationCheck check = check("Strong on " + "qwrtzp, ".repeat(500) + "cat.");
    assertThat(check.warnings()).hasSize(21);
    assertThat(check.warnings().get(20)).contains("480 more such texts and names");
  }

  @Test
  void otherEnglishIsUnderstoodAsFarAsItGoes() {
    ExplanationCheck check =
        check("Strong on cat.", "Strng on cat.", "The word 'dog' when a cat plays with her ball.");
    assertThat(check.explanations()).hasSize(3);
    assertThat(check.warnings())
        .satisfiesExactly(
            first ->
                assertThat(first)
                    .startsWith(
                        file + " line 2, latent 6: explanation, character 1: found \"Strng on")
                    .contains("did you mean 'strong'?", "understood: Fires strongly on cat.;")
                    .endsWith("ignored: Strng"),
            second ->
                assertThat(second)
                    .contains(
                        "line 3",
                        "understood: Fires strongly on dog. More near cat or forms of play.;")
                    .endsWith("ignored: her ball"));
    assertThatThrownBy(check::strict).hasMessage(check.warnings().get(0));
    assertThat(check("x\u001b[2J" + "y".repeat(100_000)).warnings().get(0))
        .doesNotContain("\u001b")
        .hasSizeLessThan(700 + file.toString().length());
  }

  @Test
  void textsOfAnEarlierStyleAreRefused() {
    assertThatThrownBy(() -> check("Strong on cat.", "Fires on cat 7; starts at -5."))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageStartingWith(file + " line 2, latent 6: the text is in the style of earlier");
  }

  @Test
  void latentsThatTheCoderLacksAreRefused() {
    ExplanationStore.write(file, List.of(new Explanation(LATENTS, "Strong on cat.", "")));
    assertThatThrownBy(() -> ExplanationCheck.read(file, LATENTS, LEXICON))
        .hasMessage(file + " line 1: latent 40, but the coder has 40");
  }
}
