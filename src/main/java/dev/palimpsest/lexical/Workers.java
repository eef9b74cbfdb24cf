package dev.palimpsest.lexical;

import dev.palimpsest.base.PalimpsestException;
import java.util.Collections;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Runs one piece of work on several threads until all have returned. */
public final class Workers {
  private Workers() {}

  /**
   * Calls {@code worker} once on each of {@code threads} threads; each is expected to draw its
   * share from a common counter.
   *
   * @throws RuntimeException what a worker threw
   */
  public static void run(int threads, Callable<Boolean> worker) {
    ExecutorService executor = Executors.newFixedThreadPool(Math.max(1, threads));
    try {
      for (Future<Boolean> future :
          executor.invokeAll(Collections.nCopies(Math.max(1, threads), worker))) {
        future.get();
      }
    } catch (InterruptedException interruption) {
      Thread.currentThread().interrupt();
      throw new PalimpsestException("interrupted", interruption);
    } catch (ExecutionException failure) {
      if (failure.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      if (failure.getCause() instanceof Error error) {
        throw error;
      }
      throw new IllegalStateException(failure);
    } finally {
      executor.shutdownNow();
    }
  }
}
