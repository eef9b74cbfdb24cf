package dev.palimpsest.rewrite;

import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.rivals.Rival;
import dev.palimpsest.rivals.RivalRows;
import dev.palimpsest.simulate.LatentPredictor;
import dev.palimpsest.tensor.Tensors;
import org.bytedeco.pytorch.Tensor;

/**
 * The true and the guessed latents at the patched positions of one batch; each guess is made once.
 */
final class BatchLatents {
  private final WindowReader.Batch windows;
  private final Tensor input;
  private final BatchGuesses guesses;
  private final SparseRows truth = new SparseRows();

  /**
   * Encodes the batch's coder inputs.
   *
   * @param input what the coder reads at the patched positions [n, d], contiguous
   * @param guesses of the same batch
   */
  BatchLatents(WindowReader.Batch windows, Tensor input, SparseCoder coder, BatchGuesses guesses) {
    this.windows = windows;
    this.input = input;
    this.guesses = guesses;
    int rows = windows.rows().size();
    int k = coder.config().k();
    try (SparseActivations encoded = new SparseActivations(coder.device().memory(), rows, k)) {
      coder.encode(coder.device().data(input), rows, encoded);
      float[] values = encoded.valuesArray(rows);
      int[] indices = encoded.indicesArray(rows);
      for (int r = 0; r < rows; r++) {
        for (int slot = r * k; slot < (r + 1) * k; slot++) {
          if (values[slot] > 0) {
            truth.add(indices[slot], values[slot]);
          }
        }
        truth.endRow();
      }
    }
  }

  /** What the coder reads [n, d]. */
  Tensor input() {
    return input;
  }

  /** True latents by row. */
  SparseRows truth() {
    return truth;
  }

  /** An identity of each row that does not depend on batching [n]. */
  long[] keys() {
    return windows.keys();
  }

  /** A predictor's exceptions by row. It sees the contexts and nothing else. */
  SparseRows guesses(LatentPredictor predictor) {
    return guesses.of(predictor);
  }

  /**
   * A rival's predictions by row [n, width]. It sees the contexts, and what the module reads where
   * that is what it looks at.
   *
   * @param width d
   */
  float[] predictions(Rival rival, int width) {
    int count = windows.rows().size();
    int[][] contexts = new int[count][];
    int[] positions = new int[count];
    int[] context = new int[0];
    int window = -1;
    for (int r = 0; r < count; r++) {
      WindowReader.Row row = windows.rows().get(r);
      if (row.inBatch() != window) {
        window = row.inBatch();
        context = windows.context(window);
      }
      contexts[r] = context;
      positions[r] = row.position();
    }
    return rival.predict(new RivalRows(contexts, positions, width, () -> Tensors.toArray(input)));
  }
}
