package dev.palimpsest.base;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JavaType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * What files contain, as SHA-256 digests (64 hexadecimal digits). A digest is remembered beside the
 * file's real path, size, inode and times, and computed anew only where one of these differs; so
 * asking again costs a system call, however large the file is.
 *
 * <p>With a store, what is remembered outlives the process. Losing or damaging the store costs time
 * and nothing else. Safe for several threads.
 */
public final class FileDigests {
  /** Bytes read at a time: a file of any size needs this much memory. */
  private static final int PIECE = 1 << 20;

  /**
   * A file changed so shortly before it was read may be changed again within the same tick of the
   * file system's clock, leaving no trace but its bytes: such a digest holds for this call only.
   */
  private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private static final JavaType STORE =
      Json.MAPPER.getTypeFactory().constructMapType(TreeMap.class, String.class, Remembered.class);

  private final Optional<Path> store;
  private final Map<String, Remembered> known;
  private boolean changed;

  /**
   * @param sha256 of the content
   * @param size bytes
   * @param inode the file system's number of the file
   * @param modified nanoseconds since 1970 of the content's last change
   * @param touched the same of the last change of content or attributes
   */
  private record Remembered(String sha256, long size, long inode, long modified, long touched) {
    boolean sameFile(Remembered other) {
      return size == other.size
          && inode == other.inode
          && modified == other.modified
          && touched == other.touched;
    }

    boolean whole() {
      return sha256 != null && sha256.matches("[0-9a-f]{64}");
    }
  }

  private FileDigests(Optional<Path> store, Map<String, Remembered> known) {
    this.store = store;
    this.known = known;
  }

  /** Remembers for as long as the process runs. */
  public static FileDigests inMemory() {
    return new FileDigests(Optional.empty(), new TreeMap<>());
  }

  /**
   * Remembers in a JSON file.
   *
   * @param store may be absent; read now, written by {@link #save}
   */
  public static FileDigests at(Path store) {
    Map<String, Remembered> known = new TreeMap<>();
    if (Files.isRegularFile(store)) {
      try {
        Map<String, Remembered> read = Json.MAPPER.readValue(Files.readAllBytes(store), STORE);
        if (read != null) {
          read.forEach(
              (path, entry) -> {
                if (entry != null && entry.whole()) {
                  known.put(path, entry);
                }
              });
        }
      } catch (JacksonException damaged) {
        known.clear();
      } catch (IOException failure) {
        throw new PalimpsestException(
            "cannot read " + store + ": " + AtomicFiles.describe(failure), failure);
      }
    }
    return new FileDigests(Optional.of(store), known);
  }

  /**
   * The digest of a file's bytes. Links are followed: the same file has one digest under any name.
   *
   * @throws PalimpsestException where it is missing, unreadable, or no regular file
   */
  public synchronized String of(Path file) {
    try {
      Path real = file.toRealPath();
      if (!Files.isRegularFile(real)) {
        throw new PalimpsestException(file + " is not a regular file");
      }
      Remembered now = look(real, "");
      Remembered before = known.get(real.toString());
      if (before != null && before.sameFile(now)) {
        return before.sha256();
      }
      long start = nanos(FileTime.from(Instant.now()));
      String sha256 = hash(real);
      boolean still = now.sameFile(look(real, "")) && now.touched() < start - TICK_NANOS;
      if (still) {
        known.put(
            real.toString(),
            new Remembered(sha256, now.size(), now.inode(), now.modified(), now.touched()));
      } else {
        known.remove(real.toString());
      }
      changed = true;
      return sha256;
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot read " + file + ": " + AtomicFiles.describe(failure), failure);
    }
  }

  /**
   * One digest of several files: of their digests, in the order given. Names do not matter, order
   * and limits between files do.
   */
  public String of(List<Path> files) {
    MessageDigest digest = sha256();
    for (Path file : files) {
      digest.update((of(file) + "\n").getBytes(StandardCharsets.US_ASCII));
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /** The digest of a text's UTF-8 bytes: for names and settings beside the files. */
  public static String ofText(String text) {
    return HexFormat.of().formatHex(sha256().digest(text.getBytes(StandardCharsets.UTF_8)));
  }

  /**
   * Writes the store, without files that are gone. Does nothing without a store or without news.
   */
  public synchronized void save() {
    if (store.isPresent() && changed) {
      known.keySet().removeIf(path -> !Files.exists(Path.of(path)));
      AtomicFiles.writeString(store.get(), Json.pretty(known));
      changed = false;
    }
  }

  private static Remembered look(Path file, String sha256) throws IOException {
    return new Remembered(
        sha256,
        attribute(file, "size", Long.class),
        attribute(file, "ino", Long.class),
        nanos(attribute(file, "lastModifiedTime", FileTime.class)),
        nanos(attribute(file, "ctime", FileTime.class)));
  }

  private static <T> T attribute(Path file, String name, Class<T> type) throws IOException {
    return type.cast(Objects.requireNonNull(Files.getAttribute(file, "unix:" + name), name));
  }

  private static long nanos(FileTime time) {
    return time.to(TimeUnit.NANOSECONDS);
  }

  private static String hash(Path file) throws IOException {
    MessageDigest digest = sha256();
    ByteBuffer piece = ByteBuffer.allocateDirect(PIECE);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      while (channel.read(piece.clear()) >= 0) {
        digest.update(piece.flip());
      }
    } catch (NoSuchFileException vanished) {
      throw new IOException("it vanished while being read", vanished);
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException("every Java has SHA-256", impossible);
    }
  }
}
