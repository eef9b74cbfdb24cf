package dev.palimpsest.text;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Tells whether a file has changed, by a hash. */
final class FileFingerprint {
  /**
   * Larger files are not read whole: their size, time of change, first and last part stand for
   * them.
   */
  private static final long WHOLE = 256L << 20;

  private static final int PART = 1 << 20;

  private FileFingerprint() {}

  /**
   * A hash, 32 hexadecimal digits, of a file's content. Of a file of more than 256 MiB: of its
   * size, modification time, first and last mebibyte.
   */
  static String of(Path file) {
    MessageDigest digest = sha256();
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      if (size <= WHOLE) {
        update(digest, channel, 0, size);
      } else {
        digest.update(
            (size + " " + Files.getLastModifiedTime(file).toMillis())
                .getBytes(StandardCharsets.UTF_8));
        update(digest, channel, 0, PART);
        update(digest, channel, size - PART, PART);
      }
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot read " + file + ": " + AtomicFiles.describe(failure), failure);
    }
    return hex(digest);
  }

  /** A hash of words, told apart by their limits. */
  static String of(String... words) {
    MessageDigest digest = sha256();
    for (String word : words) {
      byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
      digest.update((bytes.length + ":").getBytes(StandardCharsets.UTF_8));
      digest.update(bytes);
    }
    return hex(digest);
  }

  private static void update(MessageDigest digest, FileChannel channel, long from, long count)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate((int) Math.min(PART, Math.max(1, count)));
    for (long done = 0; done < count; ) {
      buffer.clear().limit((int) Math.min(buffer.capacity(), count - done));
      int read = channel.read(buffer, from + done);
      if (read < 0) {
        break;
      }
      digest.update(buffer.flip());
      done += read;
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException("every Java has SHA-256", impossible);
    }
  }

  private static String hex(MessageDigest digest) {
    return HexFormat.of().formatHex(digest.digest(), 0, 16);
  }
}
