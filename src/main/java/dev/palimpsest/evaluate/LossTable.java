package dev.palimpsest.evaluate;

import java.util.Arrays;

/**
 * Losses of every variant in every window, as sums over the window's counted tokens (nats), and the
 * squared error of what stands in the module's place.
 */
public final class LossTable {
  private final double[][] crossEntropy;
  private final double[][] divergence;
  private final double[][] squaredError;
  private int[] tokens = new int[0];
  private long[] documents = new long[0];

  /**
   * @param variants rows of the table
   */
  public LossTable(int variants) {
    crossEntropy = new double[variants][0];
    divergence = new double[variants][0];
    squaredError = new double[variants][0];
  }

  /**
   * Adds windows at the end of the table.
   *
   * @param counted tokens counted in each new window, all above 0
   * @param documentOf the document that each new window belongs to
   * @return index of the first of them
   */
  public int append(int[] counted, long[] documentOf) {
    int first = tokens.length;
    tokens = Arrays.copyOf(tokens, first + counted.length);
    System.arraycopy(counted, 0, tokens, first, counted.length);
    documents = Arrays.copyOf(documents, tokens.length);
    System.arraycopy(documentOf, 0, documents, first, counted.length);
    for (int v = 0; v < crossEntropy.length; v++) {
      crossEntropy[v] = Arrays.copyOf(crossEntropy[v], tokens.length);
      divergence[v] = Arrays.copyOf(divergence[v], tokens.length);
      squaredError[v] = Arrays.copyOf(squaredError[v], tokens.length);
    }
    return first;
  }

  /**
   * Adds windows whose losses are known already.
   *
   * @param ce summed cross-entropy by variant and new window
   * @param kl summed KL likewise
   * @param errors summed squared error likewise
   */
  public void append(
      int[] counted, long[] documentOf, double[][] ce, double[][] kl, double[][] errors) {
    int first = append(counted, documentOf);
    for (int v = 0; v < crossEntropy.length; v++) {
      System.arraycopy(ce[v], 0, crossEntropy[v], first, counted.length);
      System.arraycopy(kl[v], 0, divergence[v], first, counted.length);
      System.arraycopy(errors[v], 0, squaredError[v], first, counted.length);
    }
  }

  /** Adds the losses of one counted token to its window. */
  public void add(int variant, int window, double ce, double kl) {
    crossEntropy[variant][window] += ce;
    divergence[variant][window] += kl;
  }

  int variants() {
    return crossEntropy.length;
  }

  public int windows() {
    return tokens.length;
  }

  /** Counted tokens by window [W]. */
  public int[] tokens() {
    return tokens;
  }

  /** The document of each window [W]; not a copy. */
  long[] documents() {
    return documents;
  }

  public long totalTokens() {
    return Arrays.stream(tokens).asLongStream().sum();
  }

  /** Summed cross-entropy by window [W]; not a copy. */
  public double[] crossEntropy(int variant) {
    return crossEntropy[variant];
  }

  /** Summed KL(un-spliced ‖ variant) by window [W]; not a copy. */
  public double[] divergence(int variant) {
    return divergence[variant];
  }

  /** Summed squared error of the outputs by window [W]; not a copy. */
  public double[] squaredError(int variant) {
    return squaredError[variant];
  }

  /** Mean cross-entropy by window [W]. */
  double[] meanCrossEntropy(int variant) {
    double[] means = new double[tokens.length];
    Arrays.setAll(means, w -> crossEntropy[variant][w] / tokens[w]);
    return means;
  }
}
