package dev.palimpsest.latents;

import java.io.IOException;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;

/**
 * The rows' tokens as 64-bit little-endian numbers in a scratch file, ready to be copied into every
 * range's file.
 */
final class TokenLog implements AutoCloseable {
  private final ScratchLog log;

  TokenLog(Path file, ScratchLog.Mark mark) {
    log = new ScratchLog(file, mark);
  }

  void add(int[] tokens) {
    for (int token : tokens) {
      log.next(Long.BYTES).putLong(token);
    }
  }

  ScratchLog.Mark sync() {
    return log.sync();
  }

  void writeTo(WritableByteChannel target) throws IOException {
    log.writeTo(target);
  }

  @Override
  public void close() {
    log.close();
  }
}
