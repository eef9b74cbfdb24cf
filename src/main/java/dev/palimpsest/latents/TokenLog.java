package dev.palimpsest.latents;

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
 * The rows' tokens as 64-bit little-endian numbers in a scratch file, ready to be copied into every
 * range's file.
 */
final class TokenLog implements AutoCloseable {
  private final Path file;
  private final FileChannel channel;

  TokenLog(Path file) {
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

  void add(int[] tokens) {
    ByteBuffer block =
        ByteBuffer.allocate(tokens.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int token : tokens) {
      block.putLong(token);
    }
    try {
      LatentCacheBuilder.writeFully(channel, block.flip());
    } catch (IOException failure) {
      throw fault(failure);
    }
  }

  void writeTo(WritableByteChannel target) throws IOException {
    long size = channel.size();
    long done = 0;
    while (done < size) {
      done += channel.transferTo(done, size - done, target);
    }
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
