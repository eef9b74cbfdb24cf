package dev.palimpsest.lexical;

import java.util.Arrays;

/** A map from non-negative longs to ints without boxing: open addressing, linear probing. */
final class LongIntMap {
  private static final long FREE = -1;

  private long[] keys;
  private int[] values;
  private int size;

  LongIntMap(int expected) {
    int capacity = Integer.highestOneBit(Math.max(8, expected)) * 4;
    keys = new long[capacity];
    values = new int[capacity];
    Arrays.fill(keys, FREE);
  }

  /** The key's value, or {@code absent}. */
  int get(long key, int absent) {
    int slot = slot(key);
    return keys[slot] == FREE ? absent : values[slot];
  }

  void put(long key, int value) {
    int slot = slot(key);
    if (keys[slot] == FREE) {
      keys[slot] = key;
      if (2 * ++size > keys.length) {
        values[slot] = value;
        grow();
        return;
      }
    }
    values[slot] = value;
  }

  /** Adds to the key's value, which begins at 0. */
  void increment(long key) {
    put(key, get(key, 0) + 1);
  }

  /** All keys in ascending order. */
  long[] sortedKeys() {
    long[] sorted = Arrays.stream(keys).filter(key -> key != FREE).toArray();
    Arrays.sort(sorted);
    return sorted;
  }

  private void grow() {
    long[] oldKeys = keys;
    int[] oldValues = values;
    keys = new long[2 * oldKeys.length];
    values = new int[keys.length];
    Arrays.fill(keys, FREE);
    for (int i = 0; i < oldKeys.length; i++) {
      if (oldKeys[i] != FREE) {
        int slot = slot(oldKeys[i]);
        keys[slot] = oldKeys[i];
        values[slot] = oldValues[i];
      }
    }
  }

  private int slot(long key) {
    long hash = key * 0x9E3779B97F4A7C15L;
    int slot = (int) (hash >>> 32) & (keys.length - 1);
    while (keys[slot] != key && keys[slot] != FREE) {
      slot = (slot + 1) & (keys.length - 1);
    }
    return slot;
  }
}
