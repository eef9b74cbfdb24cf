package dev.palimpsest.text;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/**
 * A whole file in memory-mapped pieces (a Java buffer ends at 2 GiB); little-endian, for any number
 * of threads.
 */
final class MappedFile {
  private static final int SHIFT = 30;
  private static final long MASK = (1L << SHIFT) - 1;

  private final long size;
  private final MappedByteBuffer[] pieces;

  MappedFile(Path file) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      this.size = channel.size();
      this.pieces = new MappedByteBuffer[(int) ((size + MASK) >>> SHIFT)];
      for (int i = 0; i < pieces.length; i++) {
        long from = (long) i << SHIFT;
        long length = Math.min(1L << SHIFT, size - from);
        pieces[i] = channel.map(FileChannel.MapMode.READ_ONLY, from, length);
        pieces[i].order(ByteOrder.LITTLE_ENDIAN);
      }
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot read " + file + ": " + AtomicFiles.describe(failure), failure);
    }
  }

  /** Bytes of the file. */
  long size() {
    return size;
  }

  /** The unsigned 16-bit number at an even offset. */
  int unsignedShort(long offset) {
    return Short.toUnsignedInt(pieces[(int) (offset >>> SHIFT)].getShort((int) (offset & MASK)));
  }

  /** The 32-bit number at an offset divisible by 4. */
  int integer(long offset) {
    return pieces[(int) (offset >>> SHIFT)].getInt((int) (offset & MASK));
  }

  /** The 64-bit number at an offset divisible by 8. */
  long longInteger(long offset) {
    return pieces[(int) (offset >>> SHIFT)].getLong((int) (offset & MASK));
  }

  /**
   * The CRC-32C of all bytes from an offset on.
   *
   * @param from below 1 GiB
   */
  long checksum(int from) {
    CRC32C checksum = new CRC32C();
    for (int i = 0; i < pieces.length; i++) {
      checksum.update(i == 0 ? pieces[i].duplicate().position(from) : pieces[i].duplicate());
    }
    return checksum.getValue();
  }
}
