package dev.palimpsest.lexical;

import static dev.palimpsest.lexical.TestVocabulary.NAMES;
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
    return ExplanationCheck.read(file, LATENTS, NAMES);
  }

  @Test
  void goodFilesPass() {
    ExplanationCheck check = check("Fires on cat 7, 'ing' 2.", "After the 3; starts at -2.");
    assertThat(check.warnings()).isEmpty();
    assertThat(check.strict()).hasSize(2).isEqualTo(ExplanationStore.read(file));
  }

  @Test
  void unknownNamesAreToldWithTheNearest() {
    ExplanationCheck check =
        check("Fires on cat 7.", "Fires on cat catt 'cat' 3; after the|Dgo 2, '\\#99999;' 1.");
    assertThat(check.explanations()).hasSize(2);
    assertThat(check.warnings())
        .satisfiesExactly(
            first ->
                assertThat(first)
                    .startsWith(file + " line 2, latent 6, character 14: no token is \" catt\"")
                    .contains("never matches", "nearest: cat"),
            second ->
                assertThat(second).contains("character 19: no token is \"cat\"", "nearest: cat"),
            third -> assertThat(third).contains("character 38: no token is \" Dgo\""),
            fourth -> assertThat(fourth).contains("no token is \"\\#99999;\""));
    assertThatThrownBy(check::strict)
        .isInstanceOf(PalimpsestException.class)
        .hasMessage(check.warnings().get(0));
  }

  @Test
  void manyUnknownNamesAreCounted() {
    ExplanationCheck check = check("Fires on " + "qwrtzp ".repeat(500) + "1.");
    assertThat(check.warnings()).hasSize(21);
    assertThat(check.warnings().get(20)).contains("480 more names");
  }

  @Test
  void faultsOfTheGrammarNameFileLineAndPlace() {
    assertThatThrownBy(() -> check("Fires on cat 7.", "Fires on cat."))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageStartingWith(file + " line 2, latent 6: explanation, character 13: found \".\"")
        .hasMessageContaining("expected");
    assertThatThrownBy(() -> check("x\u001b[2J" + "y".repeat(100_000)))
        .message()
        .doesNotContain("\u001b")
        .hasSizeLessThan(300 + file.toString().length());
  }

  @Test
  void latentsThatTheCoderLacksAreRefused() {
    ExplanationStore.write(
        file, List.of(new Explanation(1, "cat", ""), new Explanation(LATENTS, "cat", "")));
    assertThatThrownBy(() -> ExplanationCheck.read(file, LATENTS, NAMES))
        .hasMessageContaining("line 1");
    ExplanationStore.write(file, List.of(new Explanation(LATENTS, "Fires on cat 1.", "")));
    assertThatThrownBy(() -> ExplanationCheck.read(file, LATENTS, NAMES))
        .hasMessage(file + " line 1: latent 40, but the coder has 40");
  }
}
