package dev.palimpsest.train;

import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.kernels.NativeArrays;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.LongPointer;

/** Reads every batch's figures as soon as it is queued, in one pass over the latents. */
final class HostRecord implements BatchRecord {
  private final CoderKernels kernels;
  private final FiringRecord firings;
  private final NativeArrays memory;
  private final LongPointer counts;
  private final long[] now;
  private final double[] readSums = new double[2];
  private final List<Figures> unread = new ArrayList<>();

  HostRecord(CoderKernels kernels, FiringRecord firings) {
    this.kernels = kernels;
    this.firings = firings;
    this.memory = new NativeArrays(kernels.memory());
    this.counts = memory.longs(firings.latents());
    this.now = new long[firings.latents()];
  }

  @Override
  public void add(SparseActivations batch, DoublePointer sums) {
    kernels.countFirings(
        batch.values(), batch.indices(), batch.rows(), batch.k(), now.length, counts);
    kernels.memory().get(sums, readSums, 2);
    kernels.memory().get(counts, now, now.length);
    long fired = firings.take(now, batch.rows());
    unread.add(new Figures(readSums[0], readSums[1], fired, firings.deadFraction()));
  }

  @Override
  public List<Figures> take() {
    List<Figures> taken = List.copyOf(unread);
    unread.clear();
    return taken;
  }

  @Override
  public long tokens() {
    return firings.tokens();
  }

  @Override
  public FiringRecord firings() {
    return firings;
  }

  @Override
  public void restored() {
    unread.clear();
    kernels.memory().put(firings.counts(), counts, now.length);
  }

  @Override
  public void close() {
    memory.close();
  }
}
