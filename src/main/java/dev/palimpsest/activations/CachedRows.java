package dev.palimpsest.activations;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.kernels.Addresses;
import dev.palimpsest.kernels.NativeArrays;
import dev.palimpsest.model.TokenBatch;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.TokenWindows;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.bytedeco.javacpp.FloatPointer;
import org.jspecify.annotations.Nullable;

/**
 * Rows of a step from a cache. While one step is trained on, a thread reads the next: two sets of
 * buffers take turns, and nothing else is allocated.
 */
public final class CachedRows implements StepRows {
  /** Numbers widened at a time: 256 KiB, which stay in the second-level cache. */
  private static final int BLOCK = 1 << 16;

  private final ActivationCache cache;
  private final List<Hook> hooks;
  private final TokenWindows windows;
  private final CachedOrder order;
  private final Device device;
  private final int batchTokens;
  private final int rowsOfTokens;
  private final NativeArrays host = new NativeArrays();
  private final NativeArrays remote;
  private final List<FloatPointer> remoteParts = new ArrayList<>();
  private final List<Integer> parts;
  private final float[] block = new float[BLOCK];
  private final ExecutorService reader =
      Executors.newSingleThreadExecutor(
          task -> {
            Thread thread = new Thread(task, "activations");
            thread.setDaemon(true);
            return thread;
          });
  private Loaded present;
  private Loaded next;
  private @Nullable Future<?> reading;

  /**
   * @param cache which {@link ActivationCache#require fits}
   * @param windows of the split that the cache is of
   * @param seed of the order
   * @param batchTokens of a step
   * @param device where the rows are wanted
   */
  public CachedRows(
      ActivationCache cache,
      List<Hook> hooks,
      TokenWindows windows,
      long seed,
      int batchTokens,
      ExcludedTokens excluded,
      Device device) {
    this.cache = cache;
    this.hooks = List.copyOf(hooks);
    this.windows = windows;
    this.order = cache.order(windows, seed);
    this.device = device;
    this.batchTokens = batchTokens;
    this.rowsOfTokens = (batchTokens + windows.contextLength() - 1) / windows.contextLength();
    this.remote = new NativeArrays(device.memory());
    this.parts =
        hooks.stream()
            .flatMapToInt(
                hook ->
                    java.util.stream.IntStream.of(cache.inputPart(hook), cache.outputPart(hook)))
            .distinct()
            .boxed()
            .toList();
    present = new Loaded(excluded);
    next = new Loaded(excluded);
    if (!device.isHost()) {
      parts.forEach(part -> remoteParts.add(remote.floats((long) batchTokens * cache.width())));
    }
  }

  /** One step's tokens and rows, in the machine's own memory. */
  private final class Loaded {
    private final TokenBatch batch = newBatch();
    private final KeptPositions kept;
    private final List<FloatPointer> rows = new ArrayList<>();
    private long step = -1;

    Loaded(ExcludedTokens excluded) {
      kept = new KeptPositions(excluded, Device.cpu());
      parts.forEach(part -> rows.add(host.floats((long) batchTokens * cache.width())));
    }

    void read(long wanted) {
      step = -1;
      int length = windows.contextLength();
      for (int row = 0; row < rowsOfTokens; row++) {
        long window = order.window(order.slot(wanted * rowsOfTokens + row));
        windows.read(window, batch.ids(), row * length);
      }
      int count = kept.select(batch, batchTokens);
      for (int first = 0; first < count; ) {
        int run = neighbours(first, count);
        int row = kept.position(first) / length;
        long slot = order.slot(wanted * rowsOfTokens + row);
        for (int part = 0; part < parts.size(); part++) {
          copy(slot, parts.get(part), kept.position(first) % length, run, rows.get(part), first);
        }
        first += run;
      }
      step = wanted;
    }

    /** How many rows from one on lie side by side in one window. */
    private int neighbours(int first, int count) {
      int length = windows.contextLength();
      int start = kept.position(first);
      int end = (start / length + 1) * length;
      int run = 1;
      while (first + run < count
          && kept.position(first + run) == start + run
          && start + run < end) {
        run++;
      }
      return run;
    }

    private void copy(
        long slot, int part, int position, int count, FloatPointer into, int firstRow) {
      int width = cache.width();
      int all = count * width;
      for (int done = 0; done < all; done += BLOCK) {
        int piece = Math.min(BLOCK, all - done);
        cache.read(slot, part, position * width + done, piece, block);
        Device.cpu()
            .memory()
            .put(block, Addresses.from(into, (long) firstRow * width + done), piece);
      }
    }
  }

  @Override
  public TokenBatch newBatch() {
    int length = windows.contextLength();
    return new TokenBatch(rowsOfTokens, length, new int[rowsOfTokens * length]);
  }

  @Override
  public void load(long step, TokenBatch into) {
    await();
    if (next.step != step) {
      next.read(step);
    }
    Loaded last = present;
    present = next;
    next = last;
    System.arraycopy(present.batch.ids(), 0, into.ids(), 0, into.ids().length);
    for (int part = 0; part < remoteParts.size(); part++) {
      device
          .memory()
          .fromHost(present.rows.get(part), remoteParts.get(part), (long) rows() * cache.width());
    }
    Loaded behind = next;
    reading = reader.submit(() -> behind.read(step + 1));
  }

  private void await() {
    Future<?> running = reading;
    reading = null;
    if (running == null) {
      return;
    }
    try {
      running.get();
    } catch (ExecutionException failure) {
      if (failure.getCause() instanceof RuntimeException fault) {
        throw fault;
      }
      throw new PalimpsestException("cannot read " + cache.folder(), failure);
    } catch (InterruptedException interruption) {
      Thread.currentThread().interrupt();
      throw new PalimpsestException("interrupted while reading " + cache.folder(), interruption);
    }
  }

  @Override
  public int rows() {
    return present.kept.count();
  }

  @Override
  public int width() {
    return cache.width();
  }

  @Override
  public FloatPointer x(int hook) {
    return part(cache.inputPart(hooks.get(hook)));
  }

  @Override
  public FloatPointer y(int hook) {
    return part(cache.outputPart(hooks.get(hook)));
  }

  private FloatPointer part(int part) {
    int at = parts.indexOf(part);
    return device.isHost() ? present.rows.get(at) : remoteParts.get(at);
  }

  @Override
  public void close() {
    try {
      await();
    } finally {
      reader.shutdown();
      remote.close();
      host.close();
    }
  }
}
