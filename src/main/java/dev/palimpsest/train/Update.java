package dev.palimpsest.train;

import dev.palimpsest.coder.ParameterSet;
import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.kernels.ParameterArrays;
import dev.palimpsest.kernels.UpdateRule;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;

/** How a batch's gradient reaches the parameters. Both ways give the same bits. */
sealed interface Update extends AutoCloseable {
  /**
   * A batch whose latents are selected.
   *
   * @param x coder input [rows, d]
   * @param latents the selected latents z
   * @param gradient of the loss with respect to y_hat [rows, d]
   */
  record Batch(FloatPointer x, SparseActivations latents, FloatPointer gradient) {}

  /** Takes in a batch that is not the last of its update. */
  void accumulate(SparseCoder coder, Batch batch);

  /**
   * Takes in the last batch of an update and moves the parameters.
   *
   * @param normalizeAfter whether the decoder's rows are brought to unit norm for the next forward
   */
  void apply(
      SparseCoder coder,
      OptimizerState state,
      Batch batch,
      UpdateRule rule,
      boolean normalizeAfter);

  /** Native bytes held. */
  long totalBytes();

  @Override
  void close();

  /** Backward and update latent by latent; gradients never reach memory. */
  record Fused(CoderKernels kernels) implements Update {
    @Override
    public void accumulate(SparseCoder coder, Batch batch) {
      throw new IllegalStateException("the fused update takes one batch");
    }

    @Override
    public void apply(
        SparseCoder coder,
        OptimizerState state,
        Batch batch,
        UpdateRule rule,
        boolean normalizeAfter) {
      SparseActivations latents = batch.latents();
      kernels.step(
          coder.handle(),
          state.firstArrays(),
          state.secondArrays(),
          batch.x(),
          batch.gradient(),
          latents.rows(),
          latents.k(),
          latents.values(),
          latents.indices(),
          rule,
          coder.config().unitNormDecoder(),
          normalizeAfter,
          coder.workspace());
    }

    @Override
    public long totalBytes() {
      return 0;
    }

    @Override
    public void close() {}
  }

  /**
   * Gradients are summed in memory, over several batches if need be, then applied array by array.
   */
  final class Separate implements Update {
    private final CoderKernels kernels;
    private final ParameterSet gradients;
    private final ParameterArrays arrays;
    private boolean holdsGradients;

    Separate(CoderKernels kernels, ParameterSet gradients) {
      this.kernels = kernels;
      this.gradients = gradients;
      this.arrays = gradients.asArrays();
    }

    /**
     * The gradients of the latest update, the decoder's parallel part removed where the coder asks
     * for it.
     */
    ParameterSet gradients() {
      return gradients;
    }

    @Override
    public void accumulate(SparseCoder coder, Batch batch) {
      SparseActivations latents = batch.latents();
      kernels.backward(
          coder.handle(),
          batch.x(),
          batch.gradient(),
          latents.rows(),
          latents.k(),
          latents.values(),
          latents.indices(),
          arrays,
          holdsGradients,
          coder.workspace());
      holdsGradients = true;
    }

    @Override
    public void apply(
        SparseCoder coder,
        OptimizerState state,
        Batch batch,
        UpdateRule rule,
        boolean normalizeAfter) {
      accumulate(coder, batch);
      holdsGradients = false;
      long latents = coder.config().numLatents();
      long width = coder.config().width();
      if (coder.config().unitNormDecoder()) {
        kernels.removeParallel(coder.decoder(), gradients.decoder(), latents, width);
      }
      List<ParameterSet.Part> parameters = coder.parameters().parts();
      for (int i = 0; i < parameters.size(); i++) {
        int part = i;
        kernels.update(
            parameters.get(i).values(),
            gradients.parts().get(i).values(),
            state.first().parts().get(i).values(),
            state.second().map(moments -> moments.parts().get(part).values()),
            parameters.get(i).elements(),
            rule);
      }
      if (normalizeAfter) {
        kernels.normalizeRows(coder.decoder(), latents, width);
      }
      coder.refresh();
    }

    @Override
    public long totalBytes() {
      return gradients.totalBytes();
    }

    @Override
    public void close() {
      gradients.close();
    }
  }

  /** The way that {@code config} asks for. */
  static Update of(OptimizerConfig config, SparseCoder coder, CoderKernels kernels) {
    return config.fused()
        ? new Fused(kernels)
        : new Separate(kernels, new ParameterSet(coder.config(), kernels.memory()));
  }
}
