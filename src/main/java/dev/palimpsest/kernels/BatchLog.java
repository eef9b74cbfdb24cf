package dev.palimpsest.kernels;

import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.LongPointer;

/**
 * How the batches of a coder in training went, in the memory of its kernels ({@code
 * pal_cuda_record}); all arrays begin as zeros.
 *
 * @param deadAfter a latent that has not fired in the last so many rows counts as dead
 * @param counts [M] firings of every latent since the start
 * @param last [M] rows seen when it fired last, those of that batch included; 0: never
 * @param scratch [M], zeros between calls
 * @param progress [2] rows seen, and the next batch's place in the log
 * @param sums [length, 2] the log: sum |y - y_hat|^2 and sum |y - mean(y)|^2 of a batch
 * @param firings [length, 2] the log: firings of all latents in a batch, and latents dead after it
 */
public record BatchLog(
    long deadAfter,
    LongPointer counts,
    LongPointer last,
    LongPointer scratch,
    LongPointer progress,
    DoublePointer sums,
    LongPointer firings) {

  /**
   * A log of zeros.
   *
   * @param memory where its arrays are made
   * @param latents M
   * @param length its places, 2 or more; it holds one batch fewer, since the next place is cleared
   */
  public static BatchLog of(NativeArrays memory, long latents, long deadAfter, int length) {
    return new BatchLog(
        deadAfter,
        memory.longs(latents),
        memory.longs(latents),
        memory.longs(latents),
        memory.longs(2),
        memory.doubles(2L * length),
        memory.longs(2L * length));
  }

  /** M. */
  public long latents() {
    return counts.capacity();
  }

  /** Places of the log. */
  public int length() {
    return Math.toIntExact(sums.capacity() / 2);
  }

  /** A native struct of the arrays that the caller closes. */
  NativeKernels.BatchRecord struct() {
    return new NativeKernels.BatchRecord()
        .latents(latents())
        .dead_after(deadAfter)
        .length(length())
        .counts(counts)
        .last(last)
        .batch(scratch)
        .progress(progress)
        .sums(sums)
        .firings(firings);
  }
}
