package dev.palimpsest.explain;

import dev.palimpsest.latents.LatentCache;
import java.util.List;
import java.util.function.IntConsumer;

/** Says in words what makes the latents of a coder fire. */
public interface Explainer {
  /** How it is called in configurations and results, e.g. {@code lexical}. */
  String name();

  /**
   * Explains every latent that fires in a cache.
   *
   * @param cache of the explain split; nothing else of the model or the text is seen
   * @param progress is told the number of latents done so far, from any thread
   * @return ordered by latent; latents that never fire are left out
   */
  List<Explanation> explain(LatentCache cache, IntConsumer progress);
}
