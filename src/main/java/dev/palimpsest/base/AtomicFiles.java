package dev.palimpsest.base;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Files that appear whole or not at all: written beside under a name that nobody else has, forced
 * to disk, renamed over the target.
 *
 * <p>Only regular files are replaced: a folder, a device or a pipe of the target's name is an
 * error. Where the target is a link to a file, the link itself gives way, and what it leads to is
 * left alone. Commands that read files refuse to write over them by {@link #requireApart}.
 */
public final class AtomicFiles {
  private static final String PREFIX = ".palimpsest-";
  private static final String SUFFIX = ".tmp";
  private static final Pattern TEMPORARY =
      Pattern.compile(Pattern.quote(PREFIX) + "[0-9a-f]{16}" + Pattern.quote(SUFFIX));

  private AtomicFiles() {}

  /** Writes a file's content to an open channel. */
  @FunctionalInterface
  public interface Content {
    /**
     * @param channel the temporary file, empty, open for reading and writing
     * @throws IOException when the content cannot be written (a full disk, say)
     */
    void writeTo(FileChannel channel) throws IOException;
  }

  /**
   * Replaces {@code target} by new content in one step; parent folders are made. After a failure or
   * a kill the old file (or its absence) is untouched.
   *
   * @throws PalimpsestException naming the file when it cannot be written, or is something else
   *     than a file
   */
  public static void write(Path target, Content content) {
    requireReplaceable(target);
    Path absolute = target.toAbsolutePath();
    Path temporary = absolute;
    try {
      Files.createDirectories(parent(absolute));
      temporary = fresh(absolute);
      try (FileChannel channel =
          FileChannel.open(temporary, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
        content.writeTo(channel);
        channel.force(true);
      }
      Files.move(
          temporary, absolute, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      forceFolder(parent(absolute));
    } catch (IOException failure) {
      removeQuietly(temporary, absolute, failure);
      throw new PalimpsestException("cannot write " + target + ": " + describe(failure), failure);
    } catch (RuntimeException | Error failure) {
      removeQuietly(temporary, absolute, failure);
      throw failure;
    }
  }

  /** {@link #write(Path, Content)} for bytes in memory. */
  public static void writeBytes(Path target, byte[] bytes) {
    write(
        target,
        channel -> {
          ByteBuffer buffer = ByteBuffer.wrap(bytes);
          while (buffer.hasRemaining()) {
            channel.write(buffer);
          }
        });
  }

  /** {@link #write(Path, Content)} for text in UTF-8. */
  public static void writeString(Path target, String text) {
    writeBytes(target, text.getBytes(StandardCharsets.UTF_8));
  }

  /** {@link #write(Path, Content)} with the bytes of another file. */
  public static void copy(Path source, Path target) {
    write(
        target,
        channel -> {
          try (FileChannel from = FileChannel.open(source, StandardOpenOption.READ)) {
            long size = from.size();
            for (long done = 0; done < size; ) {
              long moved = from.transferTo(done, size - done, channel);
              if (moved <= 0) {
                throw new IOException(source + " ends early: it is being changed");
              }
              done += moved;
            }
          }
        });
  }

  /**
   * Makes sure, before anything is computed, that a result may be written where it was asked for.
   *
   * @param target the result's file
   * @param inputs files that the command reads
   * @throws UsageException where the target is one of them under any name, or is a folder, a device
   *     or anything but a regular file
   */
  public static void requireApart(Path target, Collection<Path> inputs) {
    requireReplaceable(target);
    for (Path input : inputs) {
      if (same(target, input)) {
        throw new UsageException(
            target
                + " is an input of this command"
                + (target.equals(input) ? "" : " (" + input + ")")
                + ": a result does not replace what it is made from");
      }
    }
  }

  /** {@link #requireApart(Path, Collection)} for a few inputs. */
  public static void requireApart(Path target, Path... inputs) {
    requireApart(target, List.of(inputs));
  }

  /**
   * Removes temporary files that killed processes have left in a folder and below it. Whoever calls
   * this must know that nobody else is writing there.
   */
  public static void removeLeftovers(Path folder) {
    if (!Files.isDirectory(folder)) {
      return;
    }
    try (Stream<Path> tree = Files.walk(folder)) {
      for (Path file : tree.filter(AtomicFiles::isTemporary).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException | java.io.UncheckedIOException failure) {
      throw new PalimpsestException("cannot tidy up " + folder + ": " + failure.getMessage());
    }
  }

  /** A sentence fragment for an I/O failure: Java's own messages are often the bare path. */
  public static String describe(IOException failure) {
    String message = failure.getMessage() == null ? "" : failure.getMessage();
    if (failure instanceof java.nio.file.NoSuchFileException) {
      return "no such file or folder: " + message;
    }
    if (failure instanceof java.nio.file.AccessDeniedException) {
      return "permission denied: " + message;
    }
    if (failure instanceof FileAlreadyExistsException) {
      return "a file is in the way of a folder: " + message;
    }
    return message.isEmpty() ? failure.getClass().getSimpleName() : message;
  }

  /** A link to a device or a folder counts as what it leads to: {@code /dev/stdout} is one. */
  private static void requireReplaceable(Path target) {
    if (Files.isDirectory(target)) {
      throw new UsageException(target + " is a folder, expected the name of a file");
    }
    if (Files.exists(target) && !Files.isRegularFile(target)) {
      throw new UsageException(
          target + " is a device or a pipe: results are written to regular files only");
    }
  }

  private static boolean same(Path target, Path input) {
    try {
      return Files.exists(target) && Files.exists(input) && Files.isSameFile(target, input);
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot compare " + target + " with " + input + ": " + describe(failure), failure);
    }
  }

  private static Path parent(Path absolute) {
    Path parent = absolute.getParent();
    return parent == null ? absolute : parent;
  }

  /** Made exclusively: a file or a link of that name, whoever planted it, is never opened. */
  private static Path fresh(Path absolute) throws IOException {
    while (true) {
      String number = String.format("%016x", ThreadLocalRandom.current().nextLong());
      Path temporary = absolute.resolveSibling(PREFIX + number + SUFFIX);
      try {
        FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)
            .close();
        return temporary;
      } catch (FileAlreadyExistsException taken) {
        // Another name, then.
      }
    }
  }

  private static boolean isTemporary(Path file) {
    Path name = file.getFileName();
    return name != null
        && TEMPORARY.matcher(name.toString()).matches()
        && Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS);
  }

  /** Makes a rename in {@code folder} durable. */
  private static void forceFolder(Path folder) throws IOException {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private static void removeQuietly(Path temporary, Path target, Throwable because) {
    if (temporary.equals(target)) {
      return;
    }
    try {
      Files.deleteIfExists(temporary);
    } catch (IOException second) {
      because.addSuppressed(second);
    }
  }
}
