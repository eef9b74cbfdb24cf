package dev.palimpsest.experiment;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.lexical.Glossary;
import dev.palimpsest.lexical.Lexicon;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.text.TokenNames;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;

/**
 * The word classes of one coder. What the explainer wrote is kept beside; classes that differ from
 * that are a person's, and the explainer writes its texts with them.
 */
final class GlossaryFile {
  private final Path file;
  private final Path written;

  GlossaryFile(RunDirectory run, String coder) {
    file = run.glossary(coder);
    written = run.writtenGlossary(coder);
  }

  /**
   * What texts are to be written with.
   *
   * @param replace whether a person's classes are replaced as well
   * @param made makes new classes of a vocabulary
   */
  Lexicon lexicon(TokenNames names, boolean replace, Function<TokenNames, Glossary> made) {
    if (Files.isRegularFile(file) && !replace) {
      Glossary now = Glossary.read(file, names);
      Optional<Glossary> before = before(names);
      if (before.isEmpty()) {
        Glossary.none().write(written, names);
      }
      if (!before.equals(Optional.of(now))) {
        return new Lexicon(names, now);
      }
    }
    Glossary fresh = made.apply(names);
    fresh.write(written, names);
    fresh.write(file, names);
    return new Lexicon(names, fresh);
  }

  /**
   * The explainer's own classes; damaged, they are as good as gone: what is there is a person's.
   */
  private Optional<Glossary> before(TokenNames names) {
    try {
      return Files.isRegularFile(written)
          ? Optional.of(Glossary.read(written, names))
          : Optional.empty();
    } catch (PalimpsestException damaged) {
      return Optional.empty();
    }
  }
}
