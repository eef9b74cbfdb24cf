package dev.palimpsest.lexical;

import java.util.Arrays;

/**
 * How much an error at a position matters for what the model predicts there. Measured on a language
 * model, the squared gradient of the loss at a layer's output is small after tokens that are nearly
 * always followed by the same token, and large after those that much may follow: it goes along with
 * the chance that two occurrences of a token are followed by different ones (Gini's impurity of the
 * successors), which the text alone tells.
 */
final class TokenWeights {
  /** Imagined successors, all different, of every token: rare ones cannot be told. */
  private static final double PRIOR = 4;

  /** What even a token with a certain successor weighs: later tokens look back at it. */
  private static final double LEAST = 0.1;

  private TokenWeights() {}

  /**
   * Weights by the token at each position.
   *
   * @return [positions]; 0 at tokens that do not count, on average 1 at the others
   */
  static float[] of(TokenRows text) {
    int[] tokens = text.tokens();
    LongIntMap pairs = new LongIntMap(tokens.length);
    int size = Arrays.stream(tokens).max().orElse(0) + 1;
    double[] followed = new double[size];
    for (int at = 1; at < tokens.length; at++) {
      if (at % text.contextLength() != 0) {
        pairs.increment((long) tokens[at - 1] << 32 | tokens[at]);
        followed[tokens[at - 1]]++;
      }
    }
    double[] alike = new double[size];
    for (long pair : pairs.sortedKeys()) {
      double count = pairs.get(pair, 0);
      alike[(int) (pair >>> 32)] += count * (count - 1);
    }
    double[] byToken = new double[size];
    for (int token = 0; token < size; token++) {
      double both = followed[token] + PRIOR;
      byToken[token] =
          text.counts(token) ? LEAST + 1 - alike[token] / Math.max(1, both * (both - 1)) : 0;
    }
    double sum = 0;
    int counted = 0;
    for (int token : tokens) {
      sum += byToken[token];
      counted += text.counts(token) ? 1 : 0;
    }
    float[] weights = new float[tokens.length];
    for (int at = 0; at < weights.length; at++) {
      weights[at] = sum > 0 ? (float) (byToken[tokens[at]] * counted / sum) : 0;
    }
    return weights;
  }
}
