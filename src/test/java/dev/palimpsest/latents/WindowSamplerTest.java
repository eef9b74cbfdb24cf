package dev.palimpsest.latents;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class WindowSamplerTest {
  private static final int ROWS = 40;
  private static final int CONTEXT = 70;
  private static final int LENGTH = 16;

  /**
   * One firing in every third aligned window, growing from row to row; and one in the leftover
   * tokens.
   */
  private static WindowSampler sampler(long seed) {
    List<int[]> places = new ArrayList<>();
    for (int row = 0; row < ROWS; row++) {
      for (int window = 0; window < 4; window++) {
        if ((row * 4 + window) % 3 == 0) {
          places.add(new int[] {row, window * LENGTH + row % LENGTH});
        }
      }
      places.add(new int[] {row, CONTEXT - 1});
    }
    int[] rows = places.stream().mapToInt(place -> place[0]).toArray();
    int[] positions = places.stream().mapToInt(place -> place[1]).toArray();
    float[] activations = new float[rows.length];
    for (int i = 0; i < rows.length; i++) {
      activations[i] = 1 + rows[i] + 0.01f * positions[i];
    }
    return new WindowSampler(
        new LatentRecord(5, rows, positions, activations), ROWS, CONTEXT, LENGTH, seed);
  }

  private static Set<Integer> places(List<LatentWindow> windows) {
    Set<Integer> places = new HashSet<>();
    windows.forEach(window -> places.add(window.row() * CONTEXT + window.start()));
    return places;
  }

  @Test
  void ranksAlignedWindows() {
    WindowSampler sampler = sampler(1);
    assertThat(sampler.activating()).hasSize(54);
    assertThat(sampler.activating())
        .allMatch(window -> window.start() % LENGTH == 0 && window.length() == LENGTH)
        .allMatch(window -> window.maximum() > 0);
    List<LatentWindow> top = sampler.top(5);
    assertThat(top).isEqualTo(sampler.activating().subList(0, 5));
    for (int i = 1; i < 54; i++) {
      assertThat(sampler.activating().get(i).maximum())
          .isLessThanOrEqualTo(sampler.activating().get(i - 1).maximum());
    }
  }

  @Test
  void drawsFromEveryQuantile() {
    WindowSampler sampler = sampler(1);
    List<LatentWindow> drawn = sampler.byQuantile(9, 4);
    assertThat(places(drawn)).hasSize(36);
    for (int quantile = 0; quantile < 9; quantile++) {
      List<LatentWindow> pool = sampler.activating().subList(quantile * 6, quantile * 6 + 6);
      assertThat(pool).containsAll(drawn.subList(quantile * 4, quantile * 4 + 4));
    }
  }

  @Test
  void silentWindowsAreSilentAndDistinct() {
    WindowSampler sampler = sampler(1);
    Set<Integer> activating = places(sampler.activating());
    for (int count : new int[] {10, 100, 1000}) {
      List<LatentWindow> silent = sampler.silent(count);
      assertThat(places(silent))
          .hasSize(Math.min(count, 160 - 54))
          .doesNotContainAnyElementsOf(activating);
      assertThat(silent).allMatch(window -> window.maximum() == 0);
    }
  }

  @Test
  void centredWindowsDoNotOverlap() {
    List<LatentWindow> centred = sampler(1).centred(30);
    assertThat(centred).hasSize(30);
    assertThat(centred.get(0).row()).isEqualTo(ROWS - 1);
    for (LatentWindow window : centred) {
      assertThat(window.start()).isBetween(0, CONTEXT - LENGTH);
      assertThat(window.maximum()).isPositive();
    }
    assertThat(places(centred)).hasSize(30);
  }

  @Test
  void theSeedDecides() {
    assertThat(places(sampler(1).random(10))).isEqualTo(places(sampler(1).random(10)));
    assertThat(places(sampler(1).random(10))).isNotEqualTo(places(sampler(2).random(10)));
    assertThat(places(sampler(1).silent(10))).isNotEqualTo(places(sampler(2).silent(10)));
  }
}
