package dev.palimpsest.run;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Keeps a second training run out of the same folder; the system frees it when the process dies,
 * however it dies.
 */
public final class RunLock implements AutoCloseable {
  private final FileChannel channel;

  private RunLock(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Takes the lock of a folder, which is made if missing.
   *
   * @throws PalimpsestException where another run has it, or the folder cannot be written
   */
  public static RunLock of(Path folder) {
    Path file = folder.resolve(".lock");
    try {
      Files.createDirectories(folder);
      FileChannel channel =
          FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      if (!locked(channel)) {
        channel.close();
        throw new PalimpsestException(
            "another run is training in this folder: " + file + " is locked");
      }
      return new RunLock(channel);
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot write to " + folder + ": " + AtomicFiles.describe(failure), failure);
    }
  }

  private static boolean locked(FileChannel channel) throws IOException {
    try {
      FileLock lock = channel.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException inThisProcess) {
      return false;
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot free the run's lock: " + AtomicFiles.describe(failure), failure);
    }
  }
}
