package dev.palimpsest.model;

import dev.palimpsest.tensor.Device;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The attention keys and values of a run of consecutive tokens in all blocks. A sequence is a chain
 * of runs; several sequences may begin with the same ones, and the last can grow. Runs are made by
 * {@link LanguageModel#run} and filled by {@link LanguageModel#extend}.
 */
public final class CachedRun implements AutoCloseable {
  private final int capacity;
  private final Tensor memory;
  private int length;

  /** Room for {@code capacity} tokens: keys and values, [layers, 2, capacity, key heads, c]. */
  CachedRun(ModelConfig config, Device device, int capacity) {
    this.capacity = capacity;
    memory =
        device.empty(
            torch.ScalarType.Float,
            config.layers(),
            2,
            capacity,
            config.keyValueHeads(),
            config.headWidth());
  }

  /** Bytes that the keys and values of a token take in a model. */
  static long bytesOfToken(ModelConfig config) {
    return 2L * config.layers() * config.keyValueWidth() * Float.BYTES;
  }

  /** Tokens held. */
  public int length() {
    return length;
  }

  /** Tokens that there is room for, those held included. */
  public int capacity() {
    return capacity;
  }

  /** Writes what a block computed of the tokens after those held, [n, key heads, c] each. */
  void put(int layer, Tensor keys, Tensor values) {
    try (PointerScope scope = new PointerScope()) {
      Tensor block = memory.select(0, layer);
      block.select(0, 0).narrow(0, length, keys.size(0)).copy_(keys);
      block.select(0, 1).narrow(0, length, values.size(0)).copy_(values);
    }
  }

  /** Says that so many tokens have been written in every block. */
  void grow(int tokens) {
    length += tokens;
  }

  /** Keys of the first {@code count} tokens, [count, key heads, c]; a view of the open scope's. */
  Tensor keys(int layer, int count) {
    return memory.select(0, layer).select(0, 0).narrow(0, 0, count);
  }

  /** Values likewise. */
  Tensor values(int layer, int count) {
    return memory.select(0, layer).select(0, 1).narrow(0, 0, count);
  }

  @Override
  public void close() {
    memory.close();
  }

  @Override
  public String toString() {
    return "CachedRun[" + length + " of " + capacity + " tokens]";
  }
}
