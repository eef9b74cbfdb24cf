package dev.palimpsest.text;

import dev.palimpsest.base.Utf8Lines;
import java.nio.file.Path;
import java.util.Optional;

/** The documents of one text file, one after the other; blank ones are left out. */
interface Documents extends AutoCloseable {
  /** The next document, or empty at the end of the file. */
  Optional<String> next();

  /** Null texts passed over so far. */
  default long skipped() {
    return 0;
  }

  @Override
  void close();

  /** Opens a text file. */
  static Documents open(Path file, CorpusOptions options) {
    return switch (TextFormat.of(file)) {
      case PLAIN -> new PlainTextDocuments(Utf8Lines.open(file));
      case JSON_LINES -> new JsonLinesDocuments(Utf8Lines.open(file), options);
      case TOKENS -> throw new IllegalArgumentException(file + " holds tokens, not text");
    };
  }
}
