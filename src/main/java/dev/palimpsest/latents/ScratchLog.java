package dev.palimpsest.latents;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Checksums;
import dev.palimpsest.base.PalimpsestException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Consumer;
import java.util.zip.CRC32C;

/**
 * A file that is only appended to while a stage is at work. What was in it at a {@link #sync} can
 * be taken up again by a later process: everything after the mark is cut off.
 */
public final class ScratchLog implements AutoCloseable {
  private static final int BUFFER_BYTES = 1 << 14;
  private static final int BLOCK_BYTES = 1 << 20;

  private final Path file;
  private final FileChannel channel;
  private final CRC32C sum = new CRC32C();
  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);

  /**
   * How far a log had come.
   *
   * @param bytes its length
   * @param crc32c the checksum of these bytes
   */
  public record Mark(long bytes, String crc32c) {
    /** The beginning. */
    public static final Mark START = new Mark(0, Checksums.digits(new CRC32C()));
  }

  /**
   * Opens a log, which is made if missing, and cuts off what was written after a mark.
   *
   * @throws PalimpsestException where the file cannot be written, or does not hold what the mark
   *     says
   */
  public ScratchLog(Path file, Mark mark) {
    this.file = file;
    try {
      channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    } catch (IOException failure) {
      throw fault(failure);
    }
    try {
      if (channel.size() < mark.bytes()) {
        throw new EOFException("it is shorter than what was written to it");
      }
      channel.truncate(mark.bytes());
      forEachBlock(sum::update);
      if (!Checksums.digits(sum).equals(mark.crc32c())) {
        throw new IOException("it is damaged");
      }
      channel.position(mark.bytes());
    } catch (IOException failure) {
      close();
      throw fault(failure);
    }
  }

  /**
   * Where to put the next entry.
   *
   * @param bytes of the entry, at most 8 KiB
   * @return a little-endian buffer with room for it, to be filled before the next call
   */
  public ByteBuffer next(int bytes) {
    if (buffer.remaining() < bytes) {
      flush();
    }
    return buffer;
  }

  /** Appends bytes of any number. */
  public void add(byte[] bytes) {
    for (int at = 0; at < bytes.length; ) {
      int part = Math.min(bytes.length - at, BUFFER_BYTES / 2);
      next(part).put(bytes, at, part);
      at += part;
    }
  }

  /** Length so far. */
  public long bytes() {
    flush();
    try {
      return channel.size();
    } catch (IOException failure) {
      throw fault(failure);
    }
  }

  /** Forces everything to disk. */
  public Mark sync() {
    flush();
    try {
      channel.force(false);
      return new Mark(channel.size(), Checksums.digits(sum));
    } catch (IOException failure) {
      throw fault(failure);
    }
  }

  /** Hands out all bytes in order, block by block; a block's limit is a multiple of 16. */
  public void read(Consumer<ByteBuffer> sink) {
    flush();
    try {
      forEachBlock(sink);
    } catch (IOException failure) {
      throw fault(failure);
    }
  }

  private void forEachBlock(Consumer<ByteBuffer> sink) throws IOException {
    ByteBuffer block = ByteBuffer.allocate(BLOCK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    long size = channel.size();
    for (long at = 0; at < size; ) {
      block.clear().limit((int) Math.min(BLOCK_BYTES, size - at));
      long from = at;
      while (block.hasRemaining()) {
        if (channel.read(block, from + block.position()) < 0) {
          throw new EOFException("it is shorter than what was written to it");
        }
      }
      at += block.flip().limit();
      sink.accept(block);
    }
  }

  /** Copies all bytes. */
  void writeTo(WritableByteChannel target) throws IOException {
    flush();
    long size = channel.size();
    long done = 0;
    while (done < size) {
      done += channel.transferTo(done, size - done, target);
    }
  }

  private void flush() {
    buffer.flip();
    sum.update(buffer.duplicate());
    try {
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
    } catch (IOException failure) {
      throw fault(failure);
    }
    buffer.clear();
  }

  /** Closes the file and leaves it where it is. */
  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException failure) {
      throw fault(failure);
    }
  }

  private PalimpsestException fault(IOException failure) {
    return new PalimpsestException(
        "cannot write or read " + file + ": " + AtomicFiles.describe(failure), failure);
  }
}
