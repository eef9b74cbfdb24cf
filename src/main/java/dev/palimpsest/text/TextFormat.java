package dev.palimpsest.text;

import dev.palimpsest.base.PalimpsestException;
import java.nio.file.Path;
import java.util.Locale;

/**
 * How a file holds its documents, told by its name; a further {@code .gz} promises compression by
 * gzip.
 */
enum TextFormat {
  /** {@code .txt} and all other names: UTF-8 text, see {@link PlainTextDocuments}. */
  PLAIN,
  /**
   * {@code .jsonl}, {@code .ndjson}, {@code .json}: one JSON object a line, see {@link
   * JsonLinesDocuments}.
   */
  JSON_LINES,
  /** {@code .bin}: token ids, see {@link TokenFileIndexer}. */
  TOKENS;

  static TextFormat of(Path file) {
    String name = lowerName(file);
    if (name.endsWith(".bin.gz")) {
      throw new PalimpsestException(
          file + ": token files are mapped into memory and cannot be compressed; unpack it");
    }
    if (name.endsWith(".bin")) {
      return TOKENS;
    }
    if (name.endsWith(".parquet")) {
      throw new PalimpsestException(
          file + ": Parquet is not read; convert it to .jsonl, .jsonl.gz, .txt or .bin");
    }
    String plain =
        isNamedCompressed(file) ? name.substring(0, name.length() - ".gz".length()) : name;
    boolean lines =
        plain.endsWith(".jsonl") || plain.endsWith(".ndjson") || plain.endsWith(".json");
    return lines ? JSON_LINES : PLAIN;
  }

  static boolean isNamedCompressed(Path file) {
    return lowerName(file).endsWith(".gz");
  }

  private static String lowerName(Path file) {
    return String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
  }
}
