package dev.palimpsest.activations;

import dev.palimpsest.text.TokenWindows;
import dev.palimpsest.text.WindowOrder;

/**
 * The order in which a training goes through a cache: a seeded permutation, a new one for every
 * pass, found by the position alone.
 *
 * <p>A cache of the whole split is read in the very order in which the split itself would be. Of a
 * part of it, the first pass of a training with the cache's own seed is in the split's order too,
 * which is how the windows lie; everything else goes through the cached windows in an order of
 * their own.
 */
public final class CachedOrder {
  private final CachePlan plan;
  private final WindowOrder lying;
  private final WindowOrder drawn;
  private final boolean own;

  /** Where each window of the split lies; empty where not all are cached. */
  private final int[] slots;

  CachedOrder(CachePlan plan, TokenWindows windows, long seed) {
    if (windows.size() != plan.splitWindows()) {
      throw new IllegalArgumentException(
          windows.size() + " windows, the cache is of " + plan.splitWindows());
    }
    this.plan = plan;
    boolean whole = plan.windows() == plan.splitWindows();
    own = !whole && seed == plan.seed();
    lying = plan.order();
    drawn = CachePlan.order(plan.windows(), seed);
    slots = new int[whole ? Math.toIntExact(plan.windows()) : 0];
    for (int slot = 0; slot < slots.length; slot++) {
      slots[(int) lying.at(slot)] = slot;
    }
  }

  /** Where the window of a position, 0 or more, lies in the cache. */
  public long slot(long position) {
    if (slots.length > 0) {
      return slots[(int) drawn.at(position)];
    }
    return own && position < plan.windows() ? position : drawn.at(position);
  }

  /** The window of the split that lies in a slot. */
  public long window(long slot) {
    return lying.at(slot);
  }
}
