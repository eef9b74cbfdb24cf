package dev.palimpsest.text;

import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/**
 * Where the documents of a token file lie. File layout, 64-bit little-endian numbers: magic,
 * documents, tokens, largest token id; then for every document its first token's place and the
 * place after its last.
 */
final class DocumentIndex {
  private static final long MAGIC = 0x3158444E494C4150L; // "PALINDX1"
  private static final int HEADER = 32;

  private final MappedFile file;
  private final long documents;

  private DocumentIndex(MappedFile file, long documents) {
    this.file = file;
    this.documents = documents;
  }

  static DocumentIndex open(Path path) {
    MappedFile file = new MappedFile(path);
    long documents = file.size() < HEADER ? -1 : file.longInteger(8);
    if (documents < 0 || file.longInteger(0) != MAGIC || file.size() != HEADER + 16 * documents) {
      throw new PalimpsestException(path + ": damaged document index; delete it and start again");
    }
    return new DocumentIndex(file, documents);
  }

  long documents() {
    return documents;
  }

  /** Tokens in all documents, without end-of-text tokens between them. */
  long tokens() {
    return file.longInteger(16);
  }

  /** The largest token id in the documents. */
  int largestToken() {
    return (int) file.longInteger(24);
  }

  long start(long document) {
    return file.longInteger(HEADER + 16 * document);
  }

  long end(long document) {
    return file.longInteger(HEADER + 16 * document + 8);
  }

  /** Writes an index in the order of the documents. */
  static final class Writer {
    private final FileChannel channel;
    private final ByteBuffer buffer = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
    private long documents;
    private long tokens;
    private int largestToken;

    /**
     * @param channel an empty file
     */
    Writer(FileChannel channel) throws IOException {
      this.channel = channel;
      buffer.putLong(0).putLong(0).putLong(0).putLong(0);
    }

    /** Adds a document; an empty one is left out. */
    void add(long start, long end, int largest) throws IOException {
      if (start == end) {
        return;
      }
      if (buffer.remaining() < 16) {
        flush();
      }
      buffer.putLong(start).putLong(end);
      documents++;
      tokens += end - start;
      largestToken = Math.max(largestToken, largest);
    }

    /** Writes what is buffered and, last, the header. */
    void finish() throws IOException {
      flush();
      buffer.putLong(MAGIC).putLong(documents).putLong(tokens).putLong(largestToken).flip();
      while (buffer.hasRemaining()) {
        channel.write(buffer, buffer.position());
      }
    }

    long documents() {
      return documents;
    }

    private void flush() throws IOException {
      buffer.flip();
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
      buffer.clear();
    }
  }
}
