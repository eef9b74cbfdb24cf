package dev.palimpsest.safetensors;

import java.io.IOException;
import java.nio.channels.WritableByteChannel;

/** Produces the bytes of one tensor, row-major and little-endian, when the file is written. */
@FunctionalInterface
public interface TensorBytes {
  /**
   * Writes exactly the announced number of bytes; called once for every write of the file.
   *
   * @throws IOException when the channel cannot take them or the source fails
   */
  void writeTo(WritableByteChannel channel) throws IOException;
}
