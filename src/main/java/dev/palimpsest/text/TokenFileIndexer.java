package dev.palimpsest.text;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/**
 * Finds the documents of a token file ({@code .bin}: nothing but ids, as nanoGPT and llm.c write
 * them). Documents lie between separators. A long stretch without one is cut, since splits are made
 * by document and such files often lack the mark: into pieces of {@value #LONGEST} tokens, in a
 * small file of a 400th of it, but not below {@value #SHORTEST}.
 */
final class TokenFileIndexer {
  private static final int LONGEST = 8192;
  private static final int SHORTEST = 512;
  private static final int PIECES = 400;

  private final Path file;
  private final TokenWidth width;
  private final int vocabularySize;
  private final int separator;

  /**
   * @param vocabularySize ids at or above it are an error
   * @param separator the id between documents
   */
  TokenFileIndexer(Path file, TokenWidth width, int vocabularySize, int separator) {
    this.file = file;
    this.width = width;
    this.vocabularySize = vocabularySize;
    this.separator = separator;
  }

  /** Reads the whole file once and writes its index. */
  void write(Path indexFile, MappedFile tokens) {
    if (tokens.size() % width.bytes() != 0) {
      throw new PalimpsestException(
          file + ": " + tokens.size() + " bytes are not a whole number of " + width + " token ids");
    }
    AtomicFiles.write(indexFile, channel -> index(tokens, channel));
  }

  private void index(MappedFile tokens, FileChannel channel) throws IOException {
    DocumentIndex.Writer writer = new DocumentIndex.Writer(channel);
    long count = tokens.size() / width.bytes();
    long limit = Math.max(SHORTEST, Math.min(LONGEST, count / PIECES));
    long start = 0;
    int largest = 0;
    ContentHash content = new ContentHash();
    for (long i = 0; i < count; i++) {
      int token = width == TokenWidth.U16 ? tokens.unsignedShort(2 * i) : tokens.integer(4 * i);
      if (Integer.compareUnsigned(token, vocabularySize) >= 0) {
        throw new PalimpsestException(
            file
                + ": token id "
                + Integer.toUnsignedString(token)
                + " at place "
                + i
                + ", but the vocabulary has "
                + vocabularySize
                + " tokens (read as "
                + width
                + ")");
      }
      if (token == separator || i - start == limit) {
        writer.add(start, i, largest, content.take());
        start = token == separator ? i + 1 : i;
        largest = 0;
      }
      if (token != separator) {
        largest = Math.max(largest, token);
        content.add(token);
      }
    }
    writer.add(start, count, largest, content.take());
    writer.finish(tokens.checksum(0));
  }
}
