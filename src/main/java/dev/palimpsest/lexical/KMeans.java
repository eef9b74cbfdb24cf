package dev.palimpsest.lexical;

import java.util.ArrayList;
import java.util.List;

/** Clusters points by Lloyd's algorithm (1982), from centres that are spread over their order. */
final class KMeans {
  private static final int ROUNDS = 12;

  private KMeans() {}

  /**
   * @param points [n][width]
   * @param weights [n] how much each counts for its cluster's centre
   * @param clusters 1 … n
   * @return indices of the points of each cluster, ascending; some may be empty
   */
  static List<List<Integer>> clusters(float[][] points, double[] weights, int clusters) {
    float[][] centres = new float[clusters][];
    for (int c = 0; c < clusters; c++) {
      centres[c] = points[(int) ((long) c * points.length / clusters)].clone();
    }
    int[] cluster = new int[points.length];
    for (int round = 0; round < ROUNDS; round++) {
      for (int i = 0; i < points.length; i++) {
        cluster[i] = nearest(points[i], centres);
      }
      move(centres, points, weights, cluster);
    }
    List<List<Integer>> members = new ArrayList<>();
    for (int c = 0; c < clusters; c++) {
      members.add(new ArrayList<>());
    }
    for (int i = 0; i < points.length; i++) {
      members.get(cluster[i]).add(i);
    }
    return members;
  }

  /** Puts the centres in the middle of their points; those without any stay. */
  private static void move(float[][] centres, float[][] points, double[] weights, int[] cluster) {
    double[] weight = new double[centres.length];
    double[][] sum = new double[centres.length][centres[0].length];
    for (int i = 0; i < points.length; i++) {
      weight[cluster[i]] += weights[i];
      for (int j = 0; j < points[i].length; j++) {
        sum[cluster[i]][j] += weights[i] * points[i][j];
      }
    }
    for (int c = 0; c < centres.length; c++) {
      for (int j = 0; j < centres[c].length && weight[c] > 0; j++) {
        centres[c][j] = (float) (sum[c][j] / weight[c]);
      }
    }
  }

  /** The first of the centres that none is nearer than. */
  private static int nearest(float[] point, float[][] centres) {
    int nearest = 0;
    float least = Float.MAX_VALUE;
    for (int c = 0; c < centres.length; c++) {
      float distance = 0;
      for (int i = 0; i < point.length; i++) {
        float difference = point[i] - centres[c][i];
        distance += difference * difference;
      }
      if (distance < least) {
        least = distance;
        nearest = c;
      }
    }
    return nearest;
  }
}
