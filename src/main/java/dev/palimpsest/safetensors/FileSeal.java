package dev.palimpsest.safetensors;

import dev.palimpsest.base.Checksums;
import dev.palimpsest.base.PalimpsestException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.zip.CRC32C;

/**
 * The checksum of a safetensors file: in its metadata, over all its bytes. See {@link Checksums}.
 */
final class FileSeal {
  private static final int BLOCK_BYTES = 1 << 18;

  private FileSeal() {}

  /**
   * Computes the sum of a file just written and puts its digits in place.
   *
   * @param header the JSON, as written after the eight bytes of its length
   */
  static void put(FileChannel channel, byte[] header) throws IOException {
    int place = Checksums.place(header).orElseThrow(IllegalArgumentException::new);
    byte[] digits =
        Checksums.digits(sum(channel, header, place))
            .getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    ByteBuffer bytes = ByteBuffer.wrap(digits);
    while (bytes.hasRemaining()) {
      channel.write(bytes, Long.BYTES + place + bytes.position());
    }
  }

  /**
   * @throws PalimpsestException naming the file where its checksum is absent or wrong
   */
  static void require(Path file, FileChannel channel) throws IOException {
    ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    SafeTensorsHeader.readFully(channel, length, 0);
    ByteBuffer header = ByteBuffer.allocate(Math.toIntExact(length.getLong(0)));
    SafeTensorsHeader.readFully(channel, header, Long.BYTES);
    OptionalInt place = Checksums.place(header.array());
    if (place.isEmpty()) {
      throw new PalimpsestException(
          file + ": has no checksum in its metadata: damaged, or of another version");
    }
    String written = Checksums.found(header.array(), place.getAsInt());
    String computed = Checksums.digits(sum(channel, header.array(), place.getAsInt()));
    if (!written.equals(computed)) {
      throw new PalimpsestException(
          file
              + ": damaged: its checksum is "
              + computed
              + ", but was "
              + written
              + " when it was written");
    }
  }

  private static CRC32C sum(FileChannel channel, byte[] header, int place) throws IOException {
    CRC32C sum = new CRC32C();
    sum.update(
        ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(0, header.length));
    Checksums.update(sum, header, place);
    ByteBuffer block = ByteBuffer.allocateDirect(BLOCK_BYTES);
    long end = channel.size();
    long at = (long) Long.BYTES + header.length;
    while (at < end) {
      block.clear().limit((int) Math.min(BLOCK_BYTES, end - at));
      int count = channel.read(block, at);
      if (count < 0) {
        throw new EOFException("the file ends at byte " + at + ", expected " + end);
      }
      at += count;
      sum.update(block.flip());
    }
    return sum;
  }
}
