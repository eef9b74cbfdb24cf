package dev.palimpsest.latents;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;

/** Raw firings of a few neighbouring latents, appended to a scratch file while a cache is made. */
final class FiringLog implements AutoCloseable {
  /** Bytes of an entry: row (int), position (int), latent (int), activation (float). */
  static final int ENTRY_BYTES = 16;

  private final ScratchLog log;

  FiringLog(Path file, ScratchLog.Mark mark) {
    log = new ScratchLog(file, mark);
  }

  long entries() {
    return log.bytes() / ENTRY_BYTES;
  }

  void add(int row, int position, int latent, float activation) {
    log.next(ENTRY_BYTES).putInt(row).putInt(position).putInt(latent).putFloat(activation);
  }

  ScratchLog.Mark sync() {
    return log.sync();
  }

  /** All entries, in heap memory. */
  ByteBuffer read() {
    ByteBuffer all =
        ByteBuffer.allocate(Math.toIntExact(log.bytes())).order(ByteOrder.LITTLE_ENDIAN);
    log.read(all::put);
    return all.flip();
  }

  @Override
  public void close() {
    log.close();
  }
}
