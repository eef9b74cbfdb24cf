package dev.palimpsest.train;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Checksums;
import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * How far {@code metrics.jsonl} went at some time, and what it was then: by this, lines that were
 * cut, lost or changed are noticed.
 *
 * @param bytes its length
 * @param lines ended in it
 * @param sum CRC-32C of these bytes, eight hexadecimal digits
 */
public record MetricsExtent(long bytes, long lines, String sum) {
  /** Of an empty file. */
  static final MetricsExtent NONE = new Measure().extent();

  /** Refuses what no file can have. */
  public MetricsExtent {
    if (bytes < 0 || lines < 0 || lines > bytes || !sum.matches("[0-9a-f]{8}")) {
      throw new IllegalArgumentException(
          "lengths are not negative, a checksum has eight hexadecimal digits");
    }
  }

  /** What differs between a file, as far as this goes, and this; empty where it is as it was. */
  Optional<String> damage(Path file) {
    MetricsExtent found = NONE;
    if (Files.exists(file)) {
      Measure measure = new Measure();
      measure.add(file, bytes);
      found = measure.extent();
    }
    if (found.bytes < bytes) {
      return Optional.of(file + " has " + found.lines + " lines, expected " + lines);
    }
    return found.equals(this)
        ? Optional.empty()
        : Optional.of(file + " was changed or is damaged within its first " + lines + " lines");
  }

  /** Takes an extent, piece by piece. */
  static final class Measure {
    private final CRC32C sum = new CRC32C();
    private long bytes;
    private long lines;

    /** Adds bytes up to the limit, and leaves the buffer's position. */
    void add(ByteBuffer piece) {
      sum.update(piece.duplicate());
      bytes += piece.remaining();
      for (int at = piece.position(); at < piece.limit(); at++) {
        lines += piece.get(at) == '\n' ? 1 : 0;
      }
    }

    /**
     * Adds the beginning of a file.
     *
     * @param most how many bytes, if there are so many
     */
    void add(Path file, long most) {
      ByteBuffer piece = ByteBuffer.allocate(1 << 16);
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
        long end = bytes + Math.min(channel.size(), most);
        while (bytes < end) {
          piece.clear().limit((int) Math.min(piece.capacity(), end - bytes));
          if (channel.read(piece) < 0) {
            break;
          }
          add(piece.flip());
        }
      } catch (IOException failure) {
        throw new PalimpsestException(
            "cannot read " + file + ": " + AtomicFiles.describe(failure), failure);
      }
    }

    /** Bytes so far. */
    long bytes() {
      return bytes;
    }

    /** All so far. */
    MetricsExtent extent() {
      return new MetricsExtent(bytes, lines, Checksums.digits(sum));
    }
  }
}
