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
import java.util.Optional;
import java.util.function.Consumer;

/**
 * {@code metrics.jsonl}: one JSON object a step, in order, each step once. Lines are buffered,
 * written at the end however the run ends, and made durable before every checkpoint, which
 * remembers their {@link MetricsExtent}; a resumed run cuts off what was written after it. Lines
 * hold no times of day, so that a resumed run's file equals an uninterrupted one's.
 */
final class MetricsLog implements AutoCloseable {
  private final Path file;
  private final FileChannel channel;
  private final ByteBuffer buffer = ByteBuffer.allocate(1 << 16);

  private final MetricsExtent.Measure measure = new MetricsExtent.Measure();

  private MetricsLog(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /**
   * Opens the log and cuts it to what it was. Where that is damaged, what whole lines there are
   * stay: a log's lost lines are no reason to lose the training that it tells of.
   *
   * @param before {@link MetricsExtent#NONE} for a new run, else what {@link #force()} returned
   * @param says hears of damage
   */
  static MetricsLog open(Path file, MetricsExtent before, Consumer<String> says) {
    try {
      Path parent = file.toAbsolutePath().getParent();
      if (parent != null) {
        Files.createDirectories(parent);
      }
      Optional<String> damage = before.damage(file);
      damage.ifPresent(
          what ->
              says.accept(
                  what
                      + " as of the checkpoint; training goes on, and lines that are gone stay"
                      + " so"));
      FileChannel channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      MetricsLog log = new MetricsLog(file, channel);
      long end = Math.min(channel.size(), before.bytes());
      channel.truncate(damage.isPresent() ? log.endOfLine(end) : end);
      channel.position(channel.size());
      log.measure.add(file, channel.size());
      return log;
    } catch (IOException failure) {
      throw cannotWrite(file, failure);
    }
  }

  /** Where the last whole line before a place ends. */
  private long endOfLine(long place) throws IOException {
    ByteBuffer one = ByteBuffer.allocate(1);
    for (long end = place; end > 0; end--) {
      channel.read(one.clear(), end - 1);
      if (one.get(0) == '\n') {
        return end;
      }
    }
    return 0;
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

  /** Makes all lines durable and returns what the file is now. */
  MetricsExtent force() {
    flush();
    try {
      channel.force(true);
      return measure.extent();
    } catch (IOException failure) {
      throw cannotWrite(file, failure);
    }
  }

  private void flush() {
    write(buffer.flip());
    buffer.clear();
  }

  private void write(ByteBuffer bytes) {
    measure.add(bytes);
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
