package dev.palimpsest.simulate;

import dev.palimpsest.latents.LatentBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A context that will be rated, and where.
 *
 * @param tokens token ids
 * @param positions at which ratings are wanted, ascending
 */
@SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
public record SimulatedContext(int[] tokens, int[] positions) {
  /** The contexts of a batch, and the positions that it keeps. */
  static List<SimulatedContext> of(LatentBatch batch) {
    List<SimulatedContext> contexts = new ArrayList<>();
    int next = 0;
    for (int row = 0; row < batch.rows(); row++) {
      int first = row * batch.length();
      int begin = next;
      while (next < batch.kept().length && batch.kept()[next] < first + batch.length()) {
        next++;
      }
      int[] positions =
          Arrays.stream(batch.kept(), begin, next).map(kept -> kept - first).toArray();
      contexts.add(new SimulatedContext(batch.row(row), positions));
    }
    return contexts;
  }
}
