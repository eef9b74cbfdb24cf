package dev.palimpsest.train;

import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.Memory;
import dev.palimpsest.kernels.NativeArrays;
import org.bytedeco.javacpp.FloatPointer;

/**
 * Keeps a coder's encoder as it was at the start while the rest learns: the control of a coder
 * whose latents are random directions. Around every update the encoder is set aside and put back.
 */
final class FrozenEncoder implements AutoCloseable {
  private final NativeArrays memory;
  private final FloatPointer encoder;
  private final FloatPointer bias;

  FrozenEncoder(SparseCoder coder) {
    memory = new NativeArrays(coder.device().memory());
    encoder = memory.floats(weights(coder));
    bias = memory.floats(coder.config().numLatents());
  }

  private static long weights(SparseCoder coder) {
    return (long) coder.config().numLatents() * coder.config().width();
  }

  /** Before an update. */
  void setAside(SparseCoder coder) {
    Memory where = coder.device().memory();
    where.copy(coder.encoder(), encoder, weights(coder));
    where.copy(coder.encoderBias(), bias, coder.config().numLatents());
  }

  /** After it. */
  void putBack(SparseCoder coder) {
    Memory where = coder.device().memory();
    where.copy(encoder, coder.encoder(), weights(coder));
    where.copy(bias, coder.encoderBias(), coder.config().numLatents());
    coder.refresh();
  }

  @Override
  public void close() {
    memory.close();
  }
}
