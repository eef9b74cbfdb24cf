package dev.palimpsest.kernels;

import java.util.Deque;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.function.Consumer;

/**
 * Scratch memory on the host, lent for a call and kept for the next one: new memory costs a page
 * fault for every four kilobytes. There are as many as were ever in use together.
 */
public final class HostWorkspaces {
  private static final Deque<Workspace> FREE = new ConcurrentLinkedDeque<>();

  private HostWorkspaces() {}

  /** Calls something with a workspace that nobody else uses meanwhile. */
  public static void lend(Consumer<Workspace> user) {
    Workspace free = FREE.poll();
    Workspace lent = free == null ? new Workspace(HostMemory.INSTANCE) : free;
    try {
      user.accept(lent);
    } finally {
      FREE.push(lent);
    }
  }
}
