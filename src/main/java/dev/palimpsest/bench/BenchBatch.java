package dev.palimpsest.bench;

import dev.palimpsest.tensor.Device;
import org.bytedeco.pytorch.Tensor;

/**
 * The rows that a benchmark trains on.
 *
 * @param inputs x [B, d]
 * @param targets y [B, d]; may be the same tensor
 */
record BenchBatch(Tensor inputs, Tensor targets) implements AutoCloseable {
  /** The same rows on a device; this batch, on the host, stays the caller's. */
  BenchBatch on(Device device) {
    return new BenchBatch(device.place(inputs.alias()), device.place(targets.alias()));
  }

  @Override
  public void close() {
    inputs.close();
    targets.close();
  }
}
