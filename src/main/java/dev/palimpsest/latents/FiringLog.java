package dev.palimpsest.latents;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Raw firings of a few neighbouring latents, appended to a scratch file while a cache is made. */
final class FiringLog implements AutoCloseable {
  /** Bytes of an entry: row (int), position (int), latent (int), activation (float). */
  static final int ENTRY_BYTES = 16;

  private static final int BUFFERED_ENTRIES = 1024;

  private final Path file;
  private final FileChannel channel;
  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(BUFFERED_ENTRIES * ENTRY_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private long entries;

  FiringLog(Path file) {
    this.file = file;
    try {
      channel =
          FileChannel.open(
              file,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE);
    } catch (IOException failure) {
      throw fault(failure);
    }
  }

  long entries() {
    return entries;
  }

  void add(int row, int position, int latent, float activation) {
    buffer.putInt(row).putInt(position).putInt(latent).putFloat(activation);
    entries++;
    if (!buffer.hasRemaining()) {
      flush();
    }
  }

  private void flush() {
    buffer.flip();
    try {
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
    } catch (IOException failure) {
      throw fault(failure);
    }
    buffer.clear();
  }

  /** All entries, in heap memory; the log takes no more afterwards. */
  ByteBuffer read() {
    flush();
    ByteBuffer all =
        ByteBuffer.allocate(Math.toIntExact(entries * ENTRY_BYTES)).order(ByteOrder.LITTLE_ENDIAN);
    try {
      while (all.hasRemaining()) {
        if (channel.read(all, all.position()) < 0) {
          throw new EOFException("the scratch file is shorter than what was written to it");
        }
      }
    } catch (IOException failure) {
      throw fault(failure);
    }
    return all.flip();
  }

  @Override
  public void close() {
    try {
      channel.close();
      Files.deleteIfExists(file);
    } catch (IOException failure) {
      throw fault(failure);
    }
  }

  private PalimpsestException fault(IOException failure) {
    return new PalimpsestException(
        "cannot write " + file + ": " + AtomicFiles.describe(failure), failure);
  }
}
