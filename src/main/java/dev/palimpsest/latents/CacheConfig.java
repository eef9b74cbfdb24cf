package dev.palimpsest.latents;

import dev.palimpsest.base.UsageException;

/**
 * What a latent cache covers.
 *
 * @param tokens at most so many tokens are read (whole windows; excluded tokens included)
 * @param batchRows windows per forward pass
 * @param seed chooses the windows where there are more than {@code tokens} asks for
 */
public record CacheConfig(long tokens, int batchRows, long seed) {
  /** Checks the sizes. */
  public CacheConfig {
    if (tokens < 1 || batchRows < 1) {
      throw new UsageException(
          "a latent cache needs at least 1 token and 1 row a batch, found "
              + tokens
              + " and "
              + batchRows);
    }
  }

  /** The paper's: 10 M tokens, 32 windows a batch. */
  public static CacheConfig defaults() {
    return new CacheConfig(10_000_000, 32, 0);
  }
}
