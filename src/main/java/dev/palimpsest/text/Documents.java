package dev.palimpsest.text;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** The documents of one text file, one after the other; blank ones are left out. */
interface Documents extends AutoCloseable {
  /** The next document, or empty at the end of the file. */
  Optional<String> next();

  @Override
  void close();

  /**
   * Opens a text file.
   *
   * @param textKey the key of the text in JSON lines
   */
  static Documents open(Path file, String textKey) {
    try {
      ByteLines lines = ByteLines.open(file);
      return switch (TextFormat.of(file)) {
        case PLAIN -> new PlainTextDocuments(lines);
        case JSON_LINES -> new JsonLinesDocuments(lines, textKey);
        case TOKENS -> {
          lines.close();
          throw new IllegalArgumentException(file + " holds tokens, not text");
        }
      };
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot read " + file + ": " + AtomicFiles.describe(failure), failure);
    }
  }
}
