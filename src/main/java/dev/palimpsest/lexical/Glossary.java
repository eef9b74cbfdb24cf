package dev.palimpsest.lexical;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Quoted;
import dev.palimpsest.base.Utf8Lines;
import dev.palimpsest.text.TokenNames;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The public word classes that the explanations of one coder speak of, once for all of them. A file
 * has a line a class, {@code dog-like: dog, cat, puppy.}, and may be edited; its characters count
 * among those of the explanations.
 *
 * @param classes each name once; a token may be in several
 */
public record Glossary(List<WordClass> classes) {
  private static final Glossary NONE = new Glossary(List.of());
  private static final String EMPTY = "(no word classes)\n";

  /** Copies the classes. */
  public Glossary {
    classes = List.copyOf(classes);
  }

  /** A glossary without classes. */
  public static Glossary none() {
    return NONE;
  }

  /** The text of its file. */
  public String text(TokenNames names) {
    StringBuilder text = new StringBuilder();
    for (WordClass each : classes) {
      text.append(each.name()).append(English.LIKE).append(": ");
      List<String> members =
          each.tokens().stream().map(token -> TokenWords.write(token, names)).toList();
      text.append(String.join(", ", members)).append(".\n");
    }
    return text.isEmpty() ? EMPTY : text.toString();
  }

  /** Replaces the file in one step. */
  public void write(Path file, TokenNames names) {
    AtomicFiles.writeString(file, text(names));
  }

  /**
   * Reads a file; one that is not there has no classes. Members that no token is are left out.
   *
   * @throws PalimpsestException naming file and line where one is no class, or a name stands twice
   */
  public static Glossary read(Path file, TokenNames names) {
    if (!Files.isRegularFile(file)) {
      return NONE;
    }
    List<WordClass> classes = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    try (Utf8Lines lines = Utf8Lines.open(file)) {
      for (Optional<String> next = lines.next(); next.isPresent(); next = lines.next()) {
        String line = next.get().strip();
        if (line.isEmpty() || line.equals(EMPTY.strip())) {
          continue;
        }
        WordClass read = parse(lines.place(), line, names);
        if (!seen.add(read.name())) {
          throw new PalimpsestException(
              lines.place() + ": the class " + Quoted.of(read.name()) + " stands there twice");
        }
        classes.add(read);
      }
    }
    return new Glossary(classes);
  }

  private static WordClass parse(String place, String line, TokenNames names) {
    int colon = line.indexOf(English.LIKE + ":");
    String name = colon < 0 ? "" : line.substring(0, colon);
    if (name.isEmpty() || !name.codePoints().allMatch(Character::isLetter)) {
      throw new PalimpsestException(
          place + ": expected a class such as \"dog-like: dog, cat.\", found " + Quoted.of(line));
    }
    EnglishLexer lexer =
        new EnglishLexer(
            line.substring(colon + English.LIKE.length() + 1),
            new Lexicon(names, NONE),
            unknown -> {});
    List<Integer> tokens = new ArrayList<>();
    try {
      do {
        if (lexer.atEnd() || lexer.at('.')) {
          break;
        }
        int token = lexer.token();
        if (token >= 0 && !tokens.contains(token)) {
          tokens.add(token);
        }
      } while (lexer.take(','));
      lexer.take('.');
      lexer.end();
    } catch (PalimpsestException fault) {
      throw new PalimpsestException(place + ": " + fault.getMessage(), fault);
    }
    return new WordClass(name, tokens);
  }
}
