package dev.palimpsest.evaluate;

import dev.palimpsest.activations.HookedActivations;
import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.Memory;
import dev.palimpsest.kernels.NativeArrays;
import dev.palimpsest.model.TokenBatch;
import dev.palimpsest.text.TokenWindows;
import org.bytedeco.javacpp.FloatPointer;

/**
 * How well a coder reconstructs held-out activations: a pass that stops at the last hook, so much
 * cheaper than {@link CoderEvaluation}, which runs the whole language model.
 */
public final class HeldOutReconstruction {
  private HeldOutReconstruction() {}

  /**
   * Measures one coder.
   *
   * @param activations whose buffers are used, and overwritten
   * @param hook the coder's number in them
   * @param tokens read from the front of {@code windows}: whole windows, at least one, at most all
   */
  public static ReconstructionStatistics measure(
      HookedActivations activations,
      int hook,
      SparseCoder coder,
      TokenWindows windows,
      long tokens) {
    int length = windows.contextLength();
    long count = Math.min(windows.size(), Math.max(1, tokens / length));
    int rows = (int) Math.min(count, Math.max(1, activations.capacity() / length));
    int width = coder.config().width();
    Memory where = coder.device().memory();
    ReconstructionStatistics statistics =
        new ReconstructionStatistics(where, width, coder.config().numLatents());
    try (SparseActivations latents =
            new SparseActivations(where, activations.capacity(), coder.config().k());
        NativeArrays memory = new NativeArrays(where)) {
      FloatPointer reconstruction = memory.floats((long) activations.capacity() * width);
      for (long window = 0; window < count; ) {
        int present = (int) Math.min(rows, count - window);
        TokenBatch batch = new TokenBatch(present, length, new int[present * length]);
        for (int row = 0; row < present; row++) {
          windows.read(window++, batch.ids(), row * length);
        }
        int n = activations.run(batch, activations.capacity());
        coder.encode(activations.x(hook), n, latents);
        coder.decode(latents, activations.x(hook), reconstruction);
        statistics.add(activations.y(hook), reconstruction, latents, n);
      }
    }
    return statistics;
  }
}
