package dev.palimpsest.llm;

import java.util.OptionalLong;

/** Where the answers stand in a file, by key: 24 bytes an entry, at most two thirds full. */
final class KeyPlaces {
  private static final long FREE = -1;

  private long[] highs = new long[1024];
  private long[] lows = new long[1024];
  private long[] places = filled(1024);
  private int size;

  private static long[] filled(int length) {
    long[] free = new long[length];
    java.util.Arrays.fill(free, FREE);
    return free;
  }

  int size() {
    return size;
  }

  OptionalLong get(QuestionKey key) {
    long place = places[slot(key)];
    return place == FREE ? OptionalLong.empty() : OptionalLong.of(place);
  }

  /** Later entries of a key replace earlier ones. */
  void put(QuestionKey key, long place) {
    if (3L * (size + 1) > 2L * places.length) {
      grow();
    }
    int slot = slot(key);
    size += places[slot] == FREE ? 1 : 0;
    highs[slot] = key.high();
    lows[slot] = key.low();
    places[slot] = place;
  }

  /** The key's slot, or the free one that it would have. */
  private int slot(QuestionKey key) {
    // The bits of a digest are random already.
    int slot = (int) (key.low() & (places.length - 1));
    while (places[slot] != FREE && (highs[slot] != key.high() || lows[slot] != key.low())) {
      slot = (slot + 1) & (places.length - 1);
    }
    return slot;
  }

  private void grow() {
    long[] oldHighs = highs;
    long[] oldLows = lows;
    long[] oldPlaces = places;
    highs = new long[2 * oldHighs.length];
    lows = new long[2 * oldLows.length];
    places = filled(2 * oldPlaces.length);
    size = 0;
    for (int i = 0; i < oldPlaces.length; i++) {
      if (oldPlaces[i] != FREE) {
        put(new QuestionKey(oldHighs[i], oldLows[i]), oldPlaces[i]);
      }
    }
  }
}
