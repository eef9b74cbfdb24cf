package dev.palimpsest.train;

import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.kernels.BatchLog;
import dev.palimpsest.kernels.Memory;
import dev.palimpsest.kernels.NativeArrays;
import dev.palimpsest.kernels.StepKernels;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.DoublePointer;

/**
 * Leaves the figures of batches on the device, where the kernels work them out, until they are
 * asked for or the log there is full.
 */
final class QueuedRecord implements BatchRecord {
  /** Places of the log on the device, one of which is kept clear. */
  static final int LENGTH = 64;

  private final StepKernels kernels;
  private final FiringRecord firings;
  private final NativeArrays memory;
  private final BatchLog log;
  private final List<Figures> read = new ArrayList<>();
  private final double[] sums = new double[2 * LENGTH];
  private final long[] counted = new long[2 * LENGTH];
  private long tokens;
  private int next;
  private int unread;

  QueuedRecord(StepKernels kernels, FiringRecord firings, long deadAfterTokens) {
    this.kernels = kernels;
    this.firings = firings;
    this.memory = new NativeArrays(memoryOf(kernels));
    this.log = BatchLog.of(memory, firings.latents(), deadAfterTokens, LENGTH);
  }

  private static Memory memoryOf(StepKernels kernels) {
    return kernels.coder().memory();
  }

  @Override
  public void add(SparseActivations batch, DoublePointer batchSums) {
    queue(kernels, batch, batchSums);
    queued(batch.rows());
  }

  /** Queues the kernels that take in a batch, or captures them; {@link #queued} must be called. */
  void queue(StepKernels on, SparseActivations batch, DoublePointer batchSums) {
    on.log(log, batch.values(), batch.indices(), batch.rows(), batch.k(), batchSums);
  }

  /** A batch of so many rows has been queued. */
  void queued(long rows) {
    tokens += rows;
    next = (next + 1) % LENGTH;
    unread++;
    if (unread == LENGTH - 1) {
      read();
    }
  }

  private void read() {
    memoryOf(kernels).get(log.sums(), sums, sums.length);
    memoryOf(kernels).get(log.firings(), counted, counted.length);
    for (; unread > 0; unread--) {
      int place = 2 * Math.floorMod(next - unread, LENGTH);
      read.add(
          new Figures(
              sums[place],
              sums[place + 1],
              counted[place],
              counted[place + 1] / (double) firings.latents()));
    }
  }

  @Override
  public List<Figures> take() {
    if (unread > 0) {
      read();
    }
    List<Figures> taken = List.copyOf(read);
    read.clear();
    return taken;
  }

  @Override
  public long tokens() {
    return tokens;
  }

  @Override
  public FiringRecord firings() {
    if (firings.tokens() != tokens) {
      long[] counts = new long[firings.latents()];
      long[] last = new long[firings.latents()];
      memoryOf(kernels).get(log.counts(), counts, counts.length);
      memoryOf(kernels).get(log.last(), last, last.length);
      firings.replace(counts, last, tokens);
    }
    return firings;
  }

  @Override
  public void restored() {
    tokens = firings.tokens();
    next = 0;
    unread = 0;
    read.clear();
    Memory device = memoryOf(kernels);
    device.put(firings.counts(), log.counts(), firings.latents());
    device.put(firings.last(), log.last(), firings.latents());
    device.put(new long[] {tokens, next}, log.progress(), 2);
    device.put(new long[2], log.firings(), 2);
  }

  @Override
  public void close() {
    memory.close();
  }
}
