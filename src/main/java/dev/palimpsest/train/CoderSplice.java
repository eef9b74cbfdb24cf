package dev.palimpsest.train;

import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.data.KeptPositions;
import dev.palimpsest.model.Splice;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
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
    this.statistics = new ReconstructionStatistics(width, coder.config().numLatents());
    this.latents = new SparseActivations(capacity, coder.config().k());
    this.x = buffer(capacity, width);
    this.y = buffer(capacity, width);
    this.reconstruction = buffer(capacity, width);
  }

  /** Uninitialised float32 [rows, width] that belongs to the caller, whatever scope is open. */
  static FloatPointer buffer(long rows, int width) {
    try (PointerScope scope = new PointerScope()) {
      FloatPointer pointer = new FloatPointer(rows * width);
      pointer.retainReference();
      return pointer;
    }
  }

  @Override
  public Tensor replace(Tensor input, Tensor output) {
    int width = coder.config().width();
    int n = kept.count();
    kept.gather(output.contiguous().data_ptr_float(), width, y);
    FloatPointer source = y;
    if (coder.config().readsModuleInput()) {
      kept.gather(input.contiguous().data_ptr_float(), width, x);
      source = x;
    }
    coder.encode(source, n, latents);
    coder.decode(latents, source, reconstruction);
    statistics.add(y, reconstruction, latents, n);
    Tensor result = output.contiguous().clone();
    kept.scatter(reconstruction, width, result.data_ptr_float());
    return result;
  }

  ReconstructionStatistics statistics() {
    return statistics;
  }

  @Override
  public void close() {
    latents.close();
    x.close();
    y.close();
    reconstruction.close();
  }
}
