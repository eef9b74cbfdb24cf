package dev.palimpsest.run;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Held by every command that writes into a run directory, so that there is one of them at a time.
 * The system frees it when the process dies, however it dies. A thread that holds the lock may take
 * it again.
 */
public final class RunLock implements AutoCloseable {
  private static final String NAME = ".lock";

  /** The locks of this process by the real path of their folders: the system's are per process. */
  private static final Map<Path, RunLock> HELD = new HashMap<>();

  private final Path folder;
  private final FileChannel channel;
  private final boolean made;
  private final Thread owner = Thread.currentThread();
  private int times = 1;

  private RunLock(Path folder, FileChannel channel, boolean made) {
    this.folder = folder;
    this.made = made;
    this.channel = channel;
  }

  /**
   * Takes the lock of a folder, which is made if missing, and removes what a killed command may
   * have left half-written there. A folder that it made and that is still empty at the end goes
   * with the lock.
   *
   * @throws PalimpsestException where another command has it (naming its process), or the folder
   *     cannot be written
   */
  public static RunLock of(Path folder) {
    try {
      boolean made = Files.notExists(folder);
      Files.createDirectories(folder);
      Path real = folder.toRealPath();
      synchronized (HELD) {
        RunLock held = HELD.get(real);
        if (held != null) {
          if (held.owner != Thread.currentThread()) {
            throw busy(folder, Long.toString(ProcessHandle.current().pid()));
          }
          held.times++;
          return held;
        }
        RunLock taken = new RunLock(real, lock(folder, real.resolve(NAME)), made);
        HELD.put(real, taken);
        AtomicFiles.removeLeftovers(real);
        return taken;
      }
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot write to " + folder + ": " + AtomicFiles.describe(failure), failure);
    }
  }

  private static FileChannel lock(Path folder, Path file) throws IOException {
    FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    try {
      FileLock lock = channel.tryLock();
      if (lock == null) {
        throw busy(folder, read(channel));
      }
      // Opened, and then removed by a command that left nothing behind.
      if (!Files.exists(file)) {
        throw busy(folder, "");
      }
      channel.truncate(0);
      channel.write(ByteBuffer.wrap(bytes(Long.toString(ProcessHandle.current().pid()))), 0);
      return channel;
    } catch (IOException | RuntimeException failure) {
      channel.close();
      throw failure;
    }
  }

  private static PalimpsestException busy(Path folder, String process) {
    return new PalimpsestException(
        folder
            + " is in use by another command"
            + (process.isBlank() ? "" : ", process " + process)
            + ": wait until it has ended");
  }

  private static String read(FileChannel channel) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(20);
    int read = channel.read(buffer, 0);
    String text =
        read <= 0 ? "" : new String(buffer.array(), 0, read, StandardCharsets.US_ASCII).strip();
    return text.matches("\\d+") ? text : "";
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  /** Whether the folder was not there before. */
  public boolean madeItsFolder() {
    return made;
  }

  /** Still locked, so that no other command takes a lock that is about to go. */
  private void removeIfEmpty() throws IOException {
    try (Stream<Path> inside = Files.list(folder)) {
      if (inside.anyMatch(file -> !file.endsWith(NAME))) {
        return;
      }
    }
    Files.deleteIfExists(folder.resolve(NAME));
    Files.deleteIfExists(folder);
  }

  @Override
  public void close() {
    synchronized (HELD) {
      if (--times > 0) {
        return;
      }
      HELD.remove(folder);
      try {
        channel.truncate(0);
        if (made && Files.isDirectory(folder)) {
          removeIfEmpty();
        }
        channel.close();
      } catch (IOException failure) {
        throw new PalimpsestException(
            "cannot free the run's lock: " + AtomicFiles.describe(failure), failure);
      }
    }
  }
}
