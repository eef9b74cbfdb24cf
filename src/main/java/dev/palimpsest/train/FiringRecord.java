package dev.palimpsest.train;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.kernels.NativeArrays;
import dev.palimpsest.safetensors.SafeTensors;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import org.bytedeco.javacpp.LongPointer;

/** How often, and when last, every latent of a coder fired; one pass over the latents per batch. */
final class FiringRecord implements AutoCloseable {
  private static final String COUNTS = "firing.counts";
  private static final String LAST = "firing.last";

  private final CoderKernels kernels;
  private final NativeArrays memory;
  private final LongPointer counts;
  private final long[] before;
  private final long[] now;
  private final long[] last;
  private final long deadAfterTokens;
  private long tokens;
  private long firings;
  private int dead;

  FiringRecord(CoderKernels kernels, int latents, long deadAfterTokens) {
    this.kernels = kernels;
    this.memory = new NativeArrays(kernels.memory());
    this.counts = memory.longs(latents);
    this.before = new long[latents];
    this.now = new long[latents];
    this.last = new long[latents];
    this.deadAfterTokens = deadAfterTokens;
  }

  /** Counts a batch's selected latents where they are; {@link #read} must follow. */
  void count(SparseActivations batch) {
    kernels.countFirings(
        batch.values(), batch.indices(), batch.rows(), batch.k(), now.length, counts);
    tokens += batch.rows();
  }

  /** Brings the counts of the batch to the host, which waits for it. */
  void read() {
    kernels.memory().get(counts, now, now.length);
    firings = 0;
    for (int latent = 0; latent < now.length; latent++) {
      long fired = now[latent] - before[latent];
      if (fired > 0) {
        last[latent] = tokens;
        before[latent] = now[latent];
        firings += fired;
      }
    }
    dead = countDead();
  }

  /** Firings in the latest batch. */
  long firings() {
    return firings;
  }

  /** Rows taken in. */
  long tokens() {
    return tokens;
  }

  /** A copy of the firings of every latent since the start. */
  long[] counts() {
    return before.clone();
  }

  /**
   * The share of latents without a firing in the last {@code min(deadAfterTokens, tokens)} tokens;
   * 0 at the start.
   */
  double deadFraction() {
    return dead / (double) last.length;
  }

  private int countDead() {
    long horizon = Math.max(0, tokens - deadAfterTokens);
    int count = 0;
    for (long fired : last) {
      if (fired <= horizon) {
        count++;
      }
    }
    return count;
  }

  void addTo(SafeTensorsWriter writer) {
    writer.add(COUNTS, new long[] {before.length}, before);
    writer.add(LAST, new long[] {last.length}, last);
  }

  /**
   * Continues where a file's record ended.
   *
   * @param tokensSeen the rows it had taken in
   * @throws PalimpsestException where a count is negative, or a latent fired after the last row
   */
  void readFrom(SafeTensors file, long tokensSeen) {
    file.expectShape(COUNTS, before.length);
    file.expectShape(LAST, last.length);
    readWithin(file, COUNTS, before, Long.MAX_VALUE);
    readWithin(file, LAST, last, tokensSeen);
    System.arraycopy(before, 0, now, 0, now.length);
    kernels.memory().put(now, counts, now.length);
    tokens = tokensSeen;
    firings = 0;
    dead = tokens == 0 ? 0 : countDead();
  }

  private static void readWithin(SafeTensors file, String name, long[] into, long most) {
    long[] values = file.longs(name);
    for (long value : values) {
      if (value < 0 || value > most) {
        throw new PalimpsestException(
            file.describe(name) + ": holds " + value + ", expected 0 to " + most);
      }
    }
    System.arraycopy(values, 0, into, 0, into.length);
  }

  @Override
  public void close() {
    memory.close();
  }
}
