package dev.palimpsest.experiment;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.lexical.Glossary;
import dev.palimpsest.lexical.WordClass;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.text.TokenNames;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GlossaryFileTest {
  private static final String CODER = "layers.2.mlp";
  private static final TokenNames NAMES =
      TokenNames.of(
          6,
          id -> List.of("<s>", " cat", " dog", " red", " blue", "ing").get(id),
          OptionalInt.of(0));
  private static final Glossary ANIMALS =
      new Glossary(List.of(new WordClass("cat", List.of(1, 2))));
  private static final Glossary COLOURS =
      new Glossary(List.of(new WordClass("red", List.of(3, 4))));

  @TempDir private Path folder;
  private RunDirectory run;
  private Path file;

  @BeforeEach
  void directory() throws Exception {
    run = new RunDirectory(folder);
    file = run.glossary(CODER);
    Files.createDirectories(file.getParent());
    Files.createDirectories(run.writtenGlossary(CODER).getParent());
  }

  private Glossary lexicon(boolean replace, Glossary made) {
    return new GlossaryFile(run, CODER).lexicon(NAMES, replace, names -> made).glossary();
  }

  @Test
  void whatIsMadeIsWritten() throws Exception {
    assertThat(lexicon(false, ANIMALS)).isEqualTo(ANIMALS);
    assertThat(file).hasContent("cat-like: cat, dog.");
    // Nobody has touched it, so it is made anew.
    assertThat(lexicon(false, COLOURS)).isEqualTo(COLOURS);
    assertThat(file).hasContent("red-like: red, blue.");
  }

  @Test
  void whatAPersonWroteStaysUnlessReplaced() throws Exception {
    lexicon(false, ANIMALS);
    Files.writeString(file, "cat-like: cat.\nblue-like: blue, -ing.\n");
    Glossary edited =
        new Glossary(
            List.of(new WordClass("cat", List.of(1)), new WordClass("blue", List.of(4, 5))));
    assertThat(lexicon(false, COLOURS)).isEqualTo(edited);
    assertThat(lexicon(false, ANIMALS)).isEqualTo(edited);
    assertThat(lexicon(true, COLOURS)).isEqualTo(COLOURS);
    assertThat(file).hasContent("red-like: red, blue.");
  }

  @Test
  void aFileThatNoExplainerWroteIsAPersons() throws Exception {
    Files.writeString(file, "dog-like: dog.\n");
    assertThat(lexicon(false, COLOURS).classes())
        .extracting(WordClass::name)
        .containsExactly("dog");
  }
}
