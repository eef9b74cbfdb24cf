package dev.palimpsest.train;

import dev.palimpsest.activations.HookedActivations;
import dev.palimpsest.activations.StepRows;
import dev.palimpsest.model.TokenBatch;
import org.bytedeco.javacpp.FloatPointer;

/** Rows of a step, computed by the language model when they are wanted. */
final class LiveRows implements StepRows {
  private final BatchReader batches;
  private final HookedActivations activations;
  private final int batchTokens;

  /**
   * @param activations whose rows these are; the caller closes it, and may use it between steps
   */
  LiveRows(BatchReader batches, HookedActivations activations, int batchTokens) {
    this.batches = batches;
    this.activations = activations;
    this.batchTokens = batchTokens;
  }

  @Override
  public TokenBatch newBatch() {
    return batches.newBatch();
  }

  @Override
  public void load(long step, TokenBatch into) {
    batches.read(step, into);
    activations.run(into, batchTokens);
  }

  @Override
  public int rows() {
    return activations.rows();
  }

  @Override
  public int width() {
    return activations.width();
  }

  @Override
  public FloatPointer x(int hook) {
    return activations.x(hook);
  }

  @Override
  public FloatPointer y(int hook) {
    return activations.y(hook);
  }

  @Override
  public void close() {
    // The activations are the caller's.
  }
}
