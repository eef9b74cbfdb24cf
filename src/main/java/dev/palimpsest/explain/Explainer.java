package dev.palimpsest.explain;

import dev.palimpsest.base.Progress;
import dev.palimpsest.latents.LatentCache;
import java.util.List;
import java.util.function.IntConsumer;

/** Says in words what makes the latents of a coder fire. */
public interface Explainer {
  /** How it is called in configurations and results, e.g. {@code lexical}. */
  String name();

  /**
   * Looks at a cache as far as it must before the first latent is explained.
   *
   * @param cache of the explain split; nothing else of the model or the text is seen
   * @param progress hears how far that is, from any thread
   */
  Work begin(LatentCache cache, Progress progress);

  /**
   * Explains every latent that fires in a cache.
   *
   * @param progress is told the number of latents done so far, from any thread
   * @return ordered by latent; latents that never fire are left out
   */
  default List<Explanation> explain(LatentCache cache, IntConsumer progress) {
    return begin(cache, Progress.SILENT).explain(0, cache.latents(), progress);
  }

  /** The explaining of one cache. What is said of a latent does not depend on the others asked. */
  @FunctionalInterface
  interface Work {
    /**
     * Explains some latents.
     *
     * @param from first latent
     * @param to latent after the last
     * @param progress is told the number of latents done so far, those before {@code from}
     *     included, from any thread
     * @return ordered by latent; latents that never fire are left out
     */
    List<Explanation> explain(int from, int to, IntConsumer progress);
  }
}
