package dev.palimpsest.language;

import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Draws a token from logits. */
final class Sampler {
  private final Sampling sampling;
  private final SplittableRandom random;

  Sampler(Sampling sampling, SplittableRandom random) {
    this.sampling = sampling;
    this.random = random;
  }

  /** The next token; of equal logits the lowest id comes first. */
  int next(float[] logits) {
    return sampling.temperature() == 0 ? likeliest(logits) : draw(logits);
  }

  static int likeliest(float[] logits) {
    int best = 0;
    for (int id = 1; id < logits.length; id++) {
      if (logits[id] > logits[best]) {
        best = id;
      }
    }
    return best;
  }

  private int draw(float[] logits) {
    double most = logits[likeliest(logits)];
    double[] weights = new double[logits.length];
    double sum = 0;
    for (int id = 0; id < weights.length; id++) {
      weights[id] = Math.exp((logits[id] - most) / sampling.temperature());
      sum += weights[id];
    }
    if (sampling.topP() == 1) {
      return place(IntStream.range(0, weights.length).toArray(), weights, sum);
    }
    // Few tokens hold nearly all: only those that could be among the likeliest are sorted.
    double least = (1 - sampling.topP()) * sum / weights.length;
    int[] order =
        IntStream.range(0, weights.length)
            .filter(id -> weights[id] >= least)
            .boxed()
            .sorted((a, b) -> Double.compare(weights[b], weights[a]))
            .mapToInt(Integer::intValue)
            .toArray();
    double held = 0;
    int count = 0;
    while (count < order.length && held < sampling.topP() * sum) {
      held += weights[order[count++]];
    }
    return place(IntStream.range(0, count).map(i -> order[i]).toArray(), weights, held);
  }

  private int place(int[] ids, double[] weights, double sum) {
    double left = random.nextDouble() * sum;
    for (int id : ids) {
      left -= weights[id];
      if (left < 0) {
        return id;
      }
    }
    return ids[0];
  }
}
