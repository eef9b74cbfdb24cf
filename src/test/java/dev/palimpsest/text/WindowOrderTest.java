package dev.palimpsest.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The order of windows: a permutation a pass, a new one every pass, the same from anywhere. */
class WindowOrderTest {
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 16, 17, 25, 63, 64, 65, 1000, 4097})
  void everyPassVisitsEveryWindowOnce(long size) {
    WindowOrder order = new WindowOrder(size, 7);
    for (int pass = 0; pass < 4; pass++) {
      BitSet seen = new BitSet();
      for (long i = 0; i < size; i++) {
        long window = order.at(pass * size + i);
        assertThat(window).isBetween(0L, size - 1);
        seen.set((int) window);
      }
      assertThat(seen.cardinality()).isEqualTo((int) size);
    }
  }

  @Test
  void passesAndSeedsDiffer() {
    Set<String> orders = new HashSet<>();
    for (long seed = 0; seed < 5; seed++) {
      WindowOrder order = new WindowOrder(100, seed);
      for (int pass = 0; pass < 5; pass++) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < 100; i++) {
          line.append(order.at(pass * 100L + i)).append(' ');
        }
        orders.add(line.toString());
      }
    }
    assertThat(orders).hasSize(25);
  }

  @Test
  void anyPositionCanBeAskedFirst() {
    WindowOrder whole = new WindowOrder(97, 3);
    long[] expected = new long[400];
    for (int i = 0; i < expected.length; i++) {
      expected[i] = whole.at(i);
    }
    for (int start = 0; start < expected.length; start += 37) {
      assertThat(new WindowOrder(97, 3).at(start)).isEqualTo(expected[start]);
    }
  }

  @Test
  void isSpreadOut() {
    // The mean distance of neighbours in a random order of n is about n / 3.
    int size = 10_000;
    WindowOrder order = new WindowOrder(size, 11);
    double distance = 0;
    for (int i = 1; i < size; i++) {
      distance += Math.abs(order.at(i) - order.at(i - 1));
    }
    assertThat(distance / size / size).isBetween(0.31, 0.36);
  }
}
