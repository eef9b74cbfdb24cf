package dev.palimpsest.base;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.zip.CRC32C;

/**
 * State as JSON Lines, read one line at a time with the strictness of {@link StateFiles}; errors
 * name file and line. A line beyond {@value #LONGEST_LINE} bytes is refused, so that memory is
 * bounded.
 */
public final class StateLines implements AutoCloseable {
  private static final int LONGEST_LINE = 16 << 20;

  private final Path file;
  private final InputStream bytes;
  private final CRC32C sum = new CRC32C();
  private long number;

  private StateLines(Path file, InputStream bytes) {
    this.file = file;
    this.bytes = bytes;
  }

  /**
   * Opens a file.
   *
   * @throws PalimpsestException naming the file if it cannot be read
   */
  public static StateLines open(Path file) {
    try {
      return new StateLines(file, new BufferedInputStream(Files.newInputStream(file), 1 << 16));
    } catch (IOException failure) {
      throw unreadable(file, failure);
    }
  }

  /** All lines of a file without a checksum. Blank lines are faults like any other. */
  public static <T extends Record> List<T> readAll(Path file, Class<T> type) {
    List<T> all = new ArrayList<>();
    try (StateLines lines = open(file)) {
      for (Optional<T> line = lines.next(type); line.isPresent(); line = lines.next(type)) {
        all.add(line.get());
      }
    }
    return all;
  }

  /**
   * The next line.
   *
   * @return empty at the end of the file
   * @throws PalimpsestException naming file, line, and what is wrong with it
   */
  public <T extends Record> Optional<T> next(Class<T> type) {
    Optional<byte[]> line = nextBytes();
    line.ifPresent(this::add);
    return line.map(json -> StateFiles.parse(where(), json, type));
  }

  /**
   * The next line, which must be there.
   *
   * @throws PalimpsestException also where the file ends before it
   */
  public <T extends Record> T require(Class<T> type) {
    return next(type)
        .orElseThrow(() -> new PalimpsestException(file + ": ends before line " + (number + 1)));
  }

  /**
   * Makes sure that the next line is the last and holds the right checksum of all before it.
   *
   * @throws PalimpsestException naming the file where it does not
   */
  public void requireSeal() {
    byte[] line = nextBytes().orElse(new byte[0]);
    OptionalInt place = Checksums.place(line);
    if (place.isEmpty()) {
      throw new PalimpsestException(
          file
              + ": has no checksum ('"
              + Checksums.KEY
              + "') in its line "
              + (number + (line.length == 0 ? 1 : 0))
              + ": damaged, or of another version");
    }
    sum.update(line, 0, place.getAsInt());
    sum.update(Checksums.BLANK.getBytes(StandardCharsets.US_ASCII));
    int rest = place.getAsInt() + Checksums.BLANK.length();
    sum.update(line, rest, line.length - rest);
    sum.update('\n');
    StateFiles.requireSum(file, Checksums.found(line, place.getAsInt()), Checksums.digits(sum));
    if (nextBytes().isPresent()) {
      throw new PalimpsestException(where() + ": follows the checksum, which must be last");
    }
  }

  /** The number of the line last read, from 1. */
  public long number() {
    return number;
  }

  /** A fault of the line last read. */
  public PalimpsestException fault(String what) {
    return new PalimpsestException(where() + ": " + what);
  }

  private String where() {
    return file + " line " + number;
  }

  private void add(byte[] line) {
    sum.update(line, 0, line.length);
    sum.update('\n');
  }

  private Optional<byte[]> nextBytes() {
    ByteArrayOutputStream line = new ByteArrayOutputStream(256);
    try {
      int next = bytes.read();
      if (next < 0) {
        return Optional.empty();
      }
      number++;
      while (next >= 0 && next != '\n') {
        line.write(next);
        if (line.size() > LONGEST_LINE) {
          throw new PalimpsestException(
              where() + ": longer than " + LONGEST_LINE + " bytes, so not one of this program's");
        }
        next = bytes.read();
      }
    } catch (IOException failure) {
      throw unreadable(file, failure);
    }
    return Optional.of(line.toByteArray());
  }

  private static PalimpsestException unreadable(Path file, IOException failure) {
    return new PalimpsestException(
        "cannot read " + file + ": " + AtomicFiles.describe(failure), failure);
  }

  @Override
  public void close() {
    try {
      bytes.close();
    } catch (IOException failure) {
      throw unreadable(file, failure);
    }
  }

  /** Writes lines, and after them their checksum, to a channel of {@link AtomicFiles#write}. */
  public static final class Writer {
    private final FileChannel channel;
    private final CRC32C sum = new CRC32C();

    /**
     * @param channel the file, empty
     */
    public Writer(FileChannel channel) {
      this.channel = channel;
    }

    /** Appends a line. */
    public void append(Record line) throws IOException {
      byte[] bytes = (Json.line(line) + "\n").getBytes(StandardCharsets.UTF_8);
      sum.update(bytes, 0, bytes.length);
      write(bytes);
    }

    /** Appends the checksum, which {@link StateLines#requireSeal} asks for: the last line. */
    public void seal() throws IOException {
      byte[] last =
          ("{\"" + Checksums.KEY + "\":\"" + Checksums.BLANK + "\"}\n")
              .getBytes(StandardCharsets.US_ASCII);
      sum.update(last, 0, last.length);
      Checksums.put(last, Checksums.place(last).orElseThrow(), Checksums.digits(sum));
      write(last);
    }

    private void write(byte[] bytes) throws IOException {
      ByteBuffer buffer = ByteBuffer.wrap(bytes);
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
    }
  }
}
