package dev.palimpsest.evaluate;

import dev.palimpsest.activations.KeptPositions;
import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.Memory;
import dev.palimpsest.kernels.NativeArrays;
import dev.palimpsest.model.Splice;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Tensor;

/**
 * Puts a coder's reconstruction in place of a module's output, at the kept positions only, and
 * gathers {@link ReconstructionStatistics} on the way.
 */
final class CoderSplice implements Splice, AutoCloseable {
  private final SparseCoder coder;
  private final KeptPositions kept;
  private final ReconstructionStatistics statistics;
  private final SparseActivations latents;
  private final NativeArrays memory;
  private final FloatPointer x;
  private final FloatPointer y;
  private final FloatPointer reconstruction;

  /**
   * @param kept tells which positions of the present batch are replaced; updated by the caller
   *     before every forward pass
   * @param capacity the most positions of a batch
   */
  CoderSplice(SparseCoder coder, KeptPositions kept, int capacity) {
    this.coder = coder;
    this.kept = kept;
    int width = coder.config().width();
    Memory where = coder.device().memory();
    this.statistics = new ReconstructionStatistics(where, width, coder.config().numLatents());
    this.latents = new SparseActivations(where, capacity, coder.config().k());
    this.memory = new NativeArrays(where);
    this.x = memory.floats((long) capacity * width);
    this.y = memory.floats((long) capacity * width);
    this.reconstruction = memory.floats((long) capacity * width);
  }

  @Override
  public Tensor replace(Tensor input, Tensor output) {
    int n = kept.count();
    kept.gather(output.contiguous(), y);
    FloatPointer source = y;
    if (coder.config().readsModuleInput()) {
      kept.gather(input.contiguous(), x);
      source = x;
    }
    coder.encode(source, n, latents);
    coder.decode(latents, source, reconstruction);
    statistics.add(y, reconstruction, latents, n);
    Tensor result = output.contiguous().clone();
    kept.scatter(reconstruction, result);
    return result;
  }

  ReconstructionStatistics statistics() {
    return statistics;
  }

  @Override
  public void close() {
    latents.close();
    memory.close();
  }
}
