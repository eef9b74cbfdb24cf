package dev.palimpsest.base;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Files that appear whole or not at all: written beside, forced to disk, renamed over the target.
 */
public final class AtomicFiles {
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
   * @throws PalimpsestException naming the file when it cannot be written
   */
  public static void write(Path target, Content content) {
    Path absolute = target.toAbsolutePath();
    Path parent = absolute.getParent();
    Path temporary = absolute.resolveSibling("." + absolute.getFileName() + ".tmp");
    try {
      if (parent != null) {
        Files.createDirectories(parent);
      }
      try (FileChannel channel =
          FileChannel.open(
              temporary,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE)) {
        content.writeTo(channel);
        channel.force(true);
      }
      Files.move(
          temporary, absolute, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      if (parent != null) {
        forceFolder(parent);
      }
    } catch (IOException failure) {
      removeQuietly(temporary, failure);
      throw new PalimpsestException("cannot write " + target + ": " + describe(failure), failure);
    } catch (RuntimeException failure) {
      removeQuietly(temporary, failure);
      throw failure;
    }
  }

  /** {@link #write(Path, Content)} for bytes in memory. */
  public static void writeBytes(Path target, byte[] bytes) {
    write(
        target,
        channel -> {
          java.nio.ByteBuffer buffer = java.nio.ByteBuffer.wrap(bytes);
          while (buffer.hasRemaining()) {
            channel.write(buffer);
          }
        });
  }

  /** {@link #write(Path, Content)} for text in UTF-8. */
  public static void writeString(Path target, String text) {
    writeBytes(target, text.getBytes(StandardCharsets.UTF_8));
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
    if (failure instanceof java.nio.file.FileAlreadyExistsException) {
      return "a file is in the way of a folder: " + message;
    }
    return message.isEmpty() ? failure.getClass().getSimpleName() : message;
  }

  /** Makes a rename in {@code folder} durable. */
  private static void forceFolder(Path folder) throws IOException {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private static void removeQuietly(Path file, Exception because) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException second) {
      because.addSuppressed(second);
    }
  }
}
