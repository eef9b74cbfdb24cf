package dev.palimpsest.text;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * Where the documents of a token file lie. File layout, 64-bit little-endian numbers: magic,
 * documents, tokens, largest token id, checksum of the token file, checksum of what follows (both
 * CRC-32C); then for every document its first token's place, the place after its last, and its
 * {@link ContentHash}.
 */
final class DocumentIndex {
  private static final long MAGIC = 0x3258444E494C4150L; // "PALINDX2"
  private static final int HEADER = 48;
  private static final int ENTRY = 24;

  private final MappedFile file;
  private final long documents;

  private DocumentIndex(MappedFile file, long documents) {
    this.file = file;
    this.documents = documents;
  }

  /** The index in a file, or empty where the file is not whole: it is then made again. */
  static Optional<DocumentIndex> open(Path path) {
    MappedFile file = new MappedFile(path);
    long documents = file.size() < HEADER ? -1 : (file.size() - HEADER) / ENTRY;
    boolean whole =
        documents >= 0
            && file.longInteger(0) == MAGIC
            && file.longInteger(8) == documents
            && file.size() == HEADER + ENTRY * documents
            && file.longInteger(40) == file.checksum(HEADER);
    return whole ? Optional.of(new DocumentIndex(file, documents)) : Optional.empty();
  }

  /** Whether a token file is the one, bit for bit, that the index was written with. */
  boolean describes(MappedFile tokens) {
    return file.longInteger(32) == tokens.checksum(0);
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
    return file.longInteger(HEADER + ENTRY * document);
  }

  long end(long document) {
    return file.longInteger(HEADER + ENTRY * document + 8);
  }

  /** The document's {@link ContentHash}. */
  long content(long document) {
    return file.longInteger(HEADER + ENTRY * document + 16);
  }

  /** Writes an index in the order of the documents. */
  static final class Writer {
    private final FileChannel channel;
    private final ByteBuffer buffer = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
    private final CRC32C checksum = new CRC32C();
    private long documents;
    private long tokens;
    private int largestToken;

    /**
     * @param channel an empty file
     */
    Writer(FileChannel channel) throws IOException {
      this.channel = channel;
      channel.position(HEADER);
    }

    /**
     * Adds a document; an empty one is left out.
     *
     * @param content its {@link ContentHash}
     */
    void add(long start, long end, int largest, long content) throws IOException {
      if (start == end) {
        return;
      }
      if (buffer.remaining() < ENTRY) {
        flush();
      }
      buffer.putLong(start).putLong(end).putLong(content);
      documents++;
      tokens += end - start;
      largestToken = Math.max(largestToken, largest);
    }

    /**
     * Writes what is buffered and, last, the header.
     *
     * @param tokenChecksum CRC-32C of the token file
     */
    void finish(long tokenChecksum) throws IOException {
      flush();
      buffer.putLong(MAGIC).putLong(documents).putLong(tokens).putLong(largestToken);
      buffer.putLong(tokenChecksum).putLong(checksum.getValue()).flip();
      while (buffer.hasRemaining()) {
        channel.write(buffer, buffer.position());
      }
    }

    private void flush() throws IOException {
      buffer.flip();
      checksum.update(buffer.duplicate());
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
      buffer.clear();
    }
  }
}
