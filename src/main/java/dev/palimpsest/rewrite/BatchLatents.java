package dev.palimpsest.rewrite;

import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.evaluate.SplicedModel;
import dev.palimpsest.rivals.Rival;
import dev.palimpsest.rivals.RivalRows;
import dev.palimpsest.simulate.LatentPredictor;
import dev.palimpsest.simulate.SimulatedContext;
import dev.palimpsest.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The true and the guessed latents at the patched positions of one batch; each guess is made once.
 */
final class BatchLatents {
  private final WindowReader.Batch windows;
  private final SplicedModel.Batch model;
  private final SparseRows truth = new SparseRows();
  private final Map<LatentPredictor, SparseRows> guesses = new HashMap<>();

  /** Encodes the batch's coder inputs. */
  BatchLatents(WindowReader.Batch windows, SplicedModel.Batch model, SparseCoder coder) {
    this.windows = windows;
    this.model = model;
    int rows = windows.rows().size();
    int k = coder.config().k();
    try (SparseActivations encoded = new SparseActivations(coder.device().memory(), rows, k)) {
      coder.encode(coder.device().data(model.input()), rows, encoded);
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

  /** The spliced model over the same rows. */
  SplicedModel.Batch model() {
    return model;
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
    return guesses.computeIfAbsent(predictor, this::guess);
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
    return rival.predict(
        new RivalRows(contexts, positions, width, () -> Tensors.toArray(model.input())));
  }

  /** The windows, and the positions that are patched in each. */
  private List<SimulatedContext> contexts() {
    List<SimulatedContext> contexts = new ArrayList<>();
    for (int w = 0; w < windows.windows().size(); w++) {
      int window = w;
      contexts.add(
          new SimulatedContext(
              windows.context(w),
              windows.rows().stream()
                  .filter(row -> row.inBatch() == window)
                  .mapToInt(WindowReader.Row::position)
                  .toArray()));
    }
    return contexts;
  }

  private SparseRows guess(LatentPredictor predictor) {
    int length = windows.tokens().length();
    SparseRows rows = new SparseRows();
    predictor.announce(contexts());
    int row = 0;
    for (int w = 0; w < windows.windows().size(); w++) {
      int[] rowOf = new int[length];
      Arrays.fill(rowOf, -1);
      for (int r = row; r < windows.rows().size() && windows.rows().get(r).inBatch() == w; r++) {
        rowOf[windows.rows().get(r).position()] = r;
        row = r + 1;
      }
      predictor.predict(
          windows.context(w),
          (position, latent, activation) -> {
            if (rowOf[position] >= 0) {
              rows.startRow(rowOf[position]);
              rows.add(latent, activation);
            }
          });
    }
    rows.startRow(windows.rows().size());
    return rows;
  }
}
