package dev.palimpsest.coder;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A nameless file that takes what a tensor will hold while the order of the result's tensors is not
 * yet due. It is gone as soon as it is closed, or the process ends in whatever way.
 */
final class SpoolFile implements AutoCloseable {
  private static final int BLOCK_BYTES = 1 << 18;

  private final Path target;
  private final FileChannel channel;
  private final ByteBuffer block =
      ByteBuffer.allocateDirect(BLOCK_BYTES).order(ByteOrder.LITTLE_ENDIAN);

  /**
   * @param target the file this is for: the spool lies in its folder, its name is in error messages
   */
  SpoolFile(Path target) {
    this.target = target;
    try {
      Path folder = target.toAbsolutePath().getParent();
      if (folder == null) {
        throw new PalimpsestException("cannot write " + target + ": it is a folder");
      }
      Files.createDirectories(folder);
      Path file = Files.createTempFile(folder, ".", ".spool");
      channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
      Files.delete(file);
    } catch (IOException failure) {
      throw unwritable(failure);
    }
  }

  /** Appends float32 values. */
  void append(float[] values) {
    for (int from = 0; from < values.length; from += BLOCK_BYTES / Float.BYTES) {
      int count = Math.min(BLOCK_BYTES / Float.BYTES, values.length - from);
      block.clear().limit(count * Float.BYTES);
      block.asFloatBuffer().put(values, from, count);
      write();
    }
  }

  /** Appends the numbers as int64. */
  void append(int[] values) {
    for (int from = 0; from < values.length; from += BLOCK_BYTES / Long.BYTES) {
      int count = Math.min(BLOCK_BYTES / Long.BYTES, values.length - from);
      block.clear().limit(count * Long.BYTES);
      for (int i = 0; i < count; i++) {
        block.putLong(Long.BYTES * i, values[from + i]);
      }
      write();
    }
  }

  /** Writes all that was appended. */
  void copyTo(WritableByteChannel into) throws IOException {
    long size = channel.size();
    for (long done = 0; done < size; ) {
      done += channel.transferTo(done, size - done, into);
    }
  }

  private void write() {
    try {
      while (block.hasRemaining()) {
        channel.write(block);
      }
    } catch (IOException failure) {
      throw unwritable(failure);
    }
  }

  private PalimpsestException unwritable(IOException failure) {
    return new PalimpsestException(
        "cannot write " + target + ": " + AtomicFiles.describe(failure), failure);
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException failure) {
      throw unwritable(failure);
    }
  }
}
