package dev.palimpsest.rewrite;

import dev.palimpsest.simulate.LatentPredictor;
import dev.palimpsest.simulate.SimulatedContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What predictors guess at the patched positions of one batch, each asked once. */
final class BatchGuesses {
  private final WindowReader.Batch windows;
  private final Map<LatentPredictor, SparseRows> guesses = new HashMap<>();

  BatchGuesses(WindowReader.Batch windows) {
    this.windows = windows;
  }

  /** A predictor's exceptions by row. It sees the contexts and nothing else. */
  SparseRows of(LatentPredictor predictor) {
    return guesses.computeIfAbsent(predictor, this::guess);
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
}
