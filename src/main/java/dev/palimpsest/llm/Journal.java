package dev.palimpsest.llm;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Checksums;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.zip.CRC32C;

/**
 * Answers that have been paid for: a line each, appended the moment it arrives, so that none is
 * asked for twice. Each line has a checksum; a line that a killed process left unfinished is cut
 * off, a damaged one is passed over and its question asked again. Memory holds keys and places
 * only. Safe for concurrent use within one process; a lock on the file keeps others out.
 */
public final class Journal implements AutoCloseable {
  private static final int LONGEST_LINE = 16 << 20;
  private static final byte[] BEGINNING = "{\"key\":\"".getBytes(StandardCharsets.US_ASCII);

  private final Path file;
  private final FileChannel channel;
  private final KeyPlaces places = new KeyPlaces();
  private long end;
  private int damaged;
  private AnswerTally tally = AnswerTally.NONE;

  private record Line(String key, Reply reply, String crc32c) {}

  private Journal(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /**
   * Opens a journal, or begins it.
   *
   * @throws PalimpsestException naming the file where it cannot be read or written
   */
  public static Journal open(Path file) {
    try {
      Path folder = file.toAbsolutePath().getParent();
      if (folder != null) {
        Files.createDirectories(folder);
      }
      FileChannel channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      Journal journal = new Journal(file, channel);
      journal.requireAlone();
      journal.requireJournal();
      journal.scan();
      return journal;
    } catch (IOException failure) {
      throw unusable(file, failure);
    }
  }

  /** The lock ends with the channel, so that a killed process leaves none. */
  private void requireAlone() throws IOException {
    boolean alone;
    try {
      alone = channel.tryLock() != null;
    } catch (OverlappingFileLockException ours) {
      alone = false;
    }
    if (!alone) {
      channel.close();
      throw new PalimpsestException(file + ": another command is writing to this journal");
    }
  }

  /** Whoever names another file by mistake keeps it. */
  private void requireJournal() throws IOException {
    ByteBuffer first = ByteBuffer.allocate(BEGINNING.length);
    int count = channel.read(first, 0);
    if (count > 0 && Arrays.mismatch(first.array(), 0, count, BEGINNING, 0, count) >= 0) {
      channel.close();
      throw new PalimpsestException(file + ": is no journal of answers; name another file");
    }
  }

  private void scan() throws IOException {
    InputStream bytes = new BufferedInputStream(Channels.newInputStream(channel), 1 << 16);
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    long at = 0;
    long begin = 0;
    for (int next = bytes.read(); next >= 0; next = bytes.read()) {
      at++;
      if (next != '\n') {
        // A line too long to be one of ours is damaged wherever it ends.
        if (line.size() <= LONGEST_LINE) {
          line.write(next);
        }
        continue;
      }
      Optional<Line> read = parse(line.toByteArray());
      if (read.isPresent()) {
        places.put(QuestionKey.parse(read.get().key()), begin);
        tally = tally.with(read.get().reply());
      } else {
        damaged++;
      }
      begin = at;
      line.reset();
    }
    // What has no end was being written when the process ended.
    channel.truncate(begin);
    end = begin;
  }

  private static Optional<Line> parse(byte[] json) {
    OptionalInt place = Checksums.place(json);
    if (place.isEmpty()) {
      return Optional.empty();
    }
    CRC32C sum = new CRC32C();
    Checksums.update(sum, json, place.getAsInt());
    if (!Checksums.digits(sum).equals(Checksums.found(json, place.getAsInt()))) {
      return Optional.empty();
    }
    try {
      return Optional.of(Json.MAPPER.readValue(json, Line.class));
    } catch (IOException | IllegalArgumentException other) {
      return Optional.empty();
    }
  }

  /** The answer to a question, where it is there. */
  synchronized Optional<Reply> find(QuestionKey key) {
    OptionalLong place = places.get(key);
    if (place.isEmpty()) {
      return Optional.empty();
    }
    Line line = read(place.getAsLong());
    if (!line.key.equals(key.text())) {
      throw new PalimpsestException(file + ": is being changed by somebody else");
    }
    return Optional.of(line.reply);
  }

  private Line read(long place) {
    try {
      ByteArrayOutputStream line = new ByteArrayOutputStream();
      ByteBuffer piece = ByteBuffer.allocate(4096);
      for (long at = place; ; at += piece.limit()) {
        piece.clear();
        int count = channel.read(piece, at);
        piece.flip();
        for (int i = 0; i < count; i++) {
          if (piece.get(i) == '\n') {
            line.write(piece.array(), 0, i);
            return parse(line.toByteArray())
                .orElseThrow(() -> new PalimpsestException(file + ": damaged at byte " + place));
          }
        }
        if (count <= 0) {
          throw new PalimpsestException(file + ": ends within the answer at byte " + place);
        }
        line.write(piece.array(), 0, count);
      }
    } catch (IOException failure) {
      throw unusable(file, failure);
    }
  }

  /** Keeps an answer. */
  synchronized void add(QuestionKey key, Reply reply) {
    byte[] json =
        Json.line(new Line(key.text(), reply, Checksums.BLANK)).getBytes(StandardCharsets.UTF_8);
    byte[] line = Arrays.copyOf(Checksums.seal(json), json.length + 1);
    line[json.length] = '\n';
    try {
      ByteBuffer bytes = ByteBuffer.wrap(line);
      while (bytes.hasRemaining()) {
        channel.write(bytes, end + bytes.position());
      }
    } catch (IOException failure) {
      throw unusable(file, failure);
    }
    places.put(key, end);
    tally = tally.with(reply);
    end += line.length;
  }

  /** What its answers came to. */
  public synchronized AnswerTally tally() {
    return tally;
  }

  /** Number of answers. */
  public synchronized int size() {
    return places.size();
  }

  /** Lines that were damaged, and whose questions are asked again. */
  public int damaged() {
    return damaged;
  }

  private static PalimpsestException unusable(Path file, IOException failure) {
    return new PalimpsestException(
        "cannot use the journal " + file + ": " + AtomicFiles.describe(failure), failure);
  }

  @Override
  public synchronized void close() {
    try (channel) {
      channel.force(true);
    } catch (IOException failure) {
      throw unusable(file, failure);
    }
  }
}
