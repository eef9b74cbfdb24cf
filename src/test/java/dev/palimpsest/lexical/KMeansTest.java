package dev.palimpsest.lexical;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class KMeansTest {
  @Test
  void pointsThatLieTogetherAreOneCluster() {
    // Three heaps, their points taking turns.
    float[][] heaps = {{0, 0}, {10, 0}, {0, 10}};
    float[][] points = new float[30][];
    for (int i = 0; i < points.length; i++) {
      float[] heap = heaps[i % 3];
      points[i] = new float[] {heap[0] + 0.01f * i, heap[1] - 0.01f * i};
    }
    double[] weights = new double[points.length];
    Arrays.fill(weights, 1);
    List<List<Integer>> clusters = KMeans.clusters(points, weights, 3);
    assertThat(clusters).hasSize(3);
    for (List<Integer> cluster : clusters) {
      assertThat(cluster).hasSize(10).isSorted().allMatch(i -> i % 3 == cluster.get(0) % 3);
    }
  }

  @Test
  void weightsDrawTheCentre() {
    float[][] points = {{0}, {4}, {13}};
    // The centres begin at 0 and 4; a heavy point at 4 keeps its centre near.
    assertThat(KMeans.clusters(points, new double[] {1, 1, 1}, 2))
        .containsExactly(List.of(0, 1), List.of(2));
    assertThat(KMeans.clusters(points, new double[] {1, 9, 1}, 2))
        .containsExactly(List.of(0), List.of(1, 2));
  }

  @Test
  void asManyClustersAsPoints() {
    float[][] points = {{3}, {1}, {2}};
    assertThat(KMeans.clusters(points, new double[] {1, 1, 1}, 3))
        .containsExactly(List.of(0), List.of(1), List.of(2));
  }
}
