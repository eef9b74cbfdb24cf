package dev.palimpsest.activations;

import dev.palimpsest.model.TokenBatch;

/** The rows of any step of a training, found by its number alone. */
public interface StepRows extends Rows, AutoCloseable {
  /** A batch to load into. */
  TokenBatch newBatch();

  /**
   * Makes the rows of a step this object's; those of the step before are gone.
   *
   * @param step from 0
   * @param into receives the step's tokens, excluded ones too
   */
  void load(long step, TokenBatch into);

  @Override
  void close();
}
