package dev.palimpsest.evaluate;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/**
 * Holm's correction (1979) for several tests read together: where a row is sought out among many
 * for its small p-value, the corrected one is what counts. The chance that any true null hypothesis
 * of the family has a corrected p-value below α is at most α, however the tests depend on each
 * other.
 */
public final class HolmCorrection {
  private HolmCorrection() {}

  /**
   * The corrected p-values of one family of tests.
   *
   * @param pValues of the tests; those that could not be made are absent and do not count
   * @return in the same order: the i-th smallest of n, times n + 1 - i, at least the one before it,
   *     at most 1
   */
  public static List<OptionalDouble> adjust(List<OptionalDouble> pValues) {
    int[] ascending =
        IntStream.range(0, pValues.size())
            .filter(i -> pValues.get(i).isPresent())
            .boxed()
            .sorted(Comparator.comparingDouble(i -> pValues.get(i).orElseThrow()))
            .mapToInt(Integer::intValue)
            .toArray();
    OptionalDouble[] adjusted = new OptionalDouble[pValues.size()];
    Arrays.fill(adjusted, OptionalDouble.empty());
    double least = 0;
    for (int rank = 0; rank < ascending.length; rank++) {
      double corrected = (ascending.length - rank) * pValues.get(ascending[rank]).orElseThrow();
      least = Math.max(least, Math.min(1, corrected));
      adjusted[ascending[rank]] = OptionalDouble.of(least);
    }
    return List.of(adjusted);
  }
}
