package dev.palimpsest.train;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * {@code metrics.jsonl}: one JSON object a step, in order, each step once. Lines are buffered,
 * written at the end however the run ends, and made durable before every checkpoint, which
 * remembers the length; a resumed run cuts off what was written after it. Lines hold no times of
 * day, so that a resumed run's file equals an uninterrupted one's.
 */
final class MetricsLog implements AutoCloseable {
  private final Path file;
  private final FileChannel channel;
  private final ByteBuffer buffer = ByteBuffer.allocate(1 << 16);

  private MetricsLog(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /**
   * Opens the log and cuts it to a length.
   *
   * @param length bytes to keep: 0 for a new run, else what {@link #force()} returned
   */
  static MetricsLog open(Path file, long length) {
    try {
      Path parent = file.toAbsolutePath().getParent();
      if (parent != null) {
        Files.createDirectories(parent);
      }
      FileChannel channel =
          FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      if (channel.size() < length) {
        long found = channel.size();
        channel.close();
        throw new PalimpsestException(
            file
                + " has "
                + found
                + " bytes, but the checkpoint was made with "
                + length
                + "; restore the file or start anew");
      }
      channel.truncate(length);
      channel.position(length);
      return new MetricsLog(file, channel);
    } catch (IOException failure) {
      throw cannotWrite(file, failure);
    }
  }

  /** Appends an object as one line. */
  void append(Object line) {
    byte[] bytes = (Json.line(line) + "\n").getBytes(StandardCharsets.UTF_8);
    if (bytes.length > buffer.remaining()) {
      flush();
    }
    if (bytes.length > buffer.capacity()) {
      write(ByteBuffer.wrap(bytes));
    } else {
      buffer.put(bytes);
    }
  }

  /** Makes all lines durable and returns the file's length in bytes. */
  long force() {
    flush();
    try {
      channel.force(true);
      return channel.size();
    } catch (IOException failure) {
      throw cannotWrite(file, failure);
    }
  }

  private void flush() {
    write(buffer.flip());
    buffer.clear();
  }

  private void write(ByteBuffer bytes) {
    try {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    } catch (IOException failure) {
      throw cannotWrite(file, failure);
    }
  }

  private static PalimpsestException cannotWrite(Path file, IOException failure) {
    return new PalimpsestException(
        "cannot write " + file + ": " + AtomicFiles.describe(failure), failure);
  }

  /** Writes what is buffered: the lines before a failure are those that explain it. */
  @Override
  public void close() {
    try (channel) {
      flush();
    } catch (IOException failure) {
      throw cannotWrite(file, failure);
    }
  }
}
