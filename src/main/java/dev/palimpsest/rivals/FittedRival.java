package dev.palimpsest.rivals;

import dev.palimpsest.latents.LatentBatch;

/** A rival in the making: takes batches, then is finished, then predicts. */
interface FittedRival extends Rival {
  /** Adds the kept tokens of a batch with their inputs, latents and outputs. */
  void add(LatentBatch batch);

  /** Ends the collection. */
  void finish();
}
