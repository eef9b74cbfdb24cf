package dev.palimpsest.rivals;

import dev.palimpsest.latents.LatentBatch;
import java.util.ArrayList;
import java.util.List;

/** Positions of some text with what the module read and put out there, held for several rivals. */
final class RivalSample {
  /** Numbers held of inputs and of outputs at most, 512 MiB each; what comes later is left out. */
  private static final long MOST_NUMBERS = 1L << 27;

  private final int width;
  private final boolean withInputs;
  private final List<RivalRows> parts = new ArrayList<>();
  private final List<float[]> outputs = new ArrayList<>();
  private final List<int[]> places = new ArrayList<>();
  private int count;

  /**
   * @param width d
   * @param withInputs whether inputs are wanted too
   */
  RivalSample(int width, boolean withInputs) {
    this.width = width;
    this.withInputs = withInputs;
  }

  void add(LatentBatch batch) {
    int added = batch.kept().length;
    if (((long) count + added) * width > MOST_NUMBERS) {
      return;
    }
    RivalRows rows = RivalRows.of(batch, width);
    float[] inputs = withInputs ? batch.inputs() : new float[0];
    for (int i = 0; i < added; i++) {
      places.add(new int[] {parts.size(), i});
    }
    parts.add(new RivalRows(rows.contexts(), rows.positions(), width, () -> inputs));
    outputs.add(batch.outputs());
    count += added;
  }

  /** Rows held. */
  int count() {
    return count;
  }

  int width() {
    return width;
  }

  int[] context(int row) {
    return parts.get(places.get(row)[0]).contexts()[places.get(row)[1]];
  }

  int position(int row) {
    return parts.get(places.get(row)[0]).positions()[places.get(row)[1]];
  }

  /** What the module put out beyond bias and skip connection [rows, d]. */
  float[] outputs(int[] rows) {
    return gathered(rows, outputs);
  }

  /** What the module read [rows, d]. */
  float[] inputs(int[] rows) {
    return gathered(rows, parts.stream().map(part -> part.inputs().get()).toList());
  }

  private float[] gathered(int[] rows, List<float[]> from) {
    float[] values = new float[rows.length * width];
    for (int i = 0; i < rows.length; i++) {
      int[] place = places.get(rows[i]);
      System.arraycopy(from.get(place[0]), place[1] * width, values, i * width, width);
    }
    return values;
  }

  /** So many rows at even distances. */
  int[] evenly(int most) {
    int taken = Math.min(most, count);
    int[] rows = new int[taken];
    for (int i = 0; i < taken; i++) {
      rows[i] = (int) ((long) i * count / taken);
    }
    return rows;
  }

  /** The root of the outputs' mean square; 1 where they are all 0. */
  double outputScale() {
    double sum = 0;
    long numbers = 0;
    for (float[] part : outputs) {
      for (float value : part) {
        sum += (double) value * value;
      }
      numbers += part.length;
    }
    return sum > 0 ? Math.sqrt(sum / numbers) : 1;
  }
}
