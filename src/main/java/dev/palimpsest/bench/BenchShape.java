package dev.palimpsest.bench;

import dev.palimpsest.base.ThreadCount;
import dev.palimpsest.base.UsageException;

/**
 * The size of a benchmark's problem.
 *
 * @param width d
 * @param latents M
 * @param k latents kept per row
 * @param batch B, rows of a step
 * @param threads threads of the kernels and of libtorch
 */
public record BenchShape(int width, int latents, int k, int batch, int threads) {
  /**
   * @throws UsageException when a size is not positive or k exceeds the latents
   */
  public BenchShape {
    if (width < 1 || latents < 1 || k < 1 || batch < 1 || threads < 1) {
      throw new UsageException(
          "a benchmark's sizes must be at least 1, found width %d, latents %d, k %d, batch %d, threads %d"
              .formatted(width, latents, k, batch, threads));
    }
    ThreadCount.checked("threads", threads, 1);
    if (k > latents) {
      throw new UsageException("k is " + k + ", more than the " + latents + " latents");
    }
  }
}
