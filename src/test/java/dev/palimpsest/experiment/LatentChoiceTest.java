package dev.palimpsest.experiment;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LatentChoiceTest {
  @Test
  void showsBestMedianWorstDensestAndRandom() {
    Map<Integer, Double> scores = new HashMap<>();
    List<Double> densities = new ArrayList<>();
    for (int latent = 0; latent < 1000; latent++) {
      densities.add(latent % 10 == 0 ? 0.0 : latent / 2000.0);
      if (latent % 10 != 0) {
        scores.put(latent, 1 - latent / 2000.0);
      }
    }
    Map<Integer, List<String>> chosen = LatentChoice.choose(24, 1000, scores, densities, 3);
    assertThat(chosen).hasSize(24);
    assertThat(chosen.get(1)).containsExactly("best score");
    assertThat(chosen.get(999)).containsExactly("worst score", "densest");
    assertThat(chosen.values().stream().flatMap(List::stream).distinct())
        .containsExactly("best score", "median score", "worst score", "densest", "random");
    assertThat(chosen.keySet()).allSatisfy(latent -> assertThat(latent % 10).isNotZero());
    assertThat(LatentChoice.choose(24, 1000, scores, densities, 3)).isEqualTo(chosen);
    assertThat(LatentChoice.choose(24, 1000, scores, densities, 4)).isNotEqualTo(chosen);
  }

  @Test
  void manageWithLittle() {
    assertThat(LatentChoice.choose(5, 3, Map.of(), List.of(), 1).keySet())
        .containsExactlyInAnyOrder(0, 1, 2);
    assertThat(LatentChoice.choose(5, 3, Map.of(1, 0.7), List.of(0.0, 0.1, 0.0), 1))
        .isEqualTo(Map.of(1, List.of("best score", "densest")));
    assertThat(LatentChoice.choose(0, 3, Map.of(1, 0.7), List.of(), 1)).isEmpty();
  }
}
