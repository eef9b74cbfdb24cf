package dev.palimpsest.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import java.util.Random;
import org.junit.jupiter.api.Test;

class RatingTallyTest {
  private static final int TOKENS = 4000;

  /** Ratings with many ties and activations that are mostly 0, loosely related. */
  private static float[][] sample(Random random) {
    float[] ratings = new float[TOKENS];
    float[] truth = new float[TOKENS];
    for (int t = 0; t < TOKENS; t++) {
      ratings[t] = random.nextInt(10) == 0 ? random.nextInt(11) : 0.5f;
      boolean fires = random.nextDouble() < 0.02 + 0.05 * ratings[t];
      truth[t] = fires ? (float) (random.nextDouble() * 3 + random.nextInt(2) * ratings[t]) : 0;
    }
    return new float[][] {ratings, truth};
  }

  private static RatingTally tally(float[][] sample) {
    RatingTally tally = new RatingTally();
    for (int t = 0; t < TOKENS; t++) {
      tally.add(sample[0][t], 1, sample[1][t] > 0 ? 1 : 0, sample[1][t]);
    }
    return tally;
  }

  private static SortedActivations fired(float... truth) {
    int count = 0;
    float[] fired = new float[truth.length];
    for (float activation : truth) {
      if (activation > 0) {
        fired[count++] = activation;
      }
    }
    return new SortedActivations(java.util.Arrays.copyOf(fired, count));
  }

  private static double mean(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    return sum / values.length;
  }

  private static double squaredError(CalibrationMap map, float[][] sample) {
    double sum = 0;
    for (int t = 0; t < TOKENS; t++) {
      double error = map.apply(sample[0][t]) - sample[1][t];
      sum += error * error;
    }
    return sum;
  }

  @Test
  void quantileKeepsTheMean() {
    for (long seed = 0; seed < 20; seed++) {
      float[][] sample = sample(new Random(seed));
      CalibrationMap map = tally(sample).quantile(fired(sample[1]));
      float[] mapped = new float[TOKENS];
      for (int t = 0; t < TOKENS; t++) {
        mapped[t] = map.apply(sample[0][t]);
      }
      assertThat(mean(mapped)).as("seed %d", seed).isCloseTo(mean(sample[1]), within(1e-5));
    }
  }

  @Test
  void quantileOfAPerfectOrderIsTheTruth() {
    RatingTally tally = new RatingTally();
    float[] truth = new float[100];
    for (int t = 0; t < 100; t++) {
      truth[t] = Math.max(0, t - 80);
      tally.add(t, 1, truth[t] > 0 ? 1 : 0, truth[t]);
    }
    CalibrationMap map = tally.quantile(fired(truth));
    for (int t = 0; t < 100; t++) {
      assertThat(map.apply(t)).isEqualTo(Math.max(0, t - 80));
    }
  }

  @Test
  void tiedRatingsShareTheMeanOfTheirBlock() {
    RatingTally tally = new RatingTally();
    tally.add(0, 6, 0, 0);
    tally.add(5, 4, 0, 0);
    // Quantile function of the ten tokens: 0 0 0 0 0 0 | 0 1 2 3.
    CalibrationMap map = tally.quantile(fired(3, 1, 2));
    assertThat(map.apply(0)).isZero();
    assertThat(map.apply(5)).isEqualTo(1.5f);
    assertThat(map.apply(2.5f)).isEqualTo(0.75f);
    assertThat(map.apply(9)).isEqualTo(1.5f);
  }

  @Test
  void bothMapsAscend() {
    for (long seed = 0; seed < 20; seed++) {
      float[][] sample = sample(new Random(seed));
      RatingTally tally = tally(sample);
      assertThat(tally.quantile(fired(sample[1])).activations()).as("seed %d", seed).isSorted();
      assertThat(tally.conditionalMean().activations()).as("seed %d", seed).isSorted();
    }
  }

  @Test
  void conditionalMeanIsTheBestMonotoneMap() {
    for (long seed = 0; seed < 20; seed++) {
      Random random = new Random(seed);
      float[][] sample = sample(random);
      RatingTally tally = tally(sample);
      double best = squaredError(tally.conditionalMean(), sample);
      float average = (float) mean(sample[1]);
      CalibrationMap constant = new CalibrationMap(new float[] {0}, new float[] {average});
      assertThat(best).as("seed %d", seed).isLessThanOrEqualTo(squaredError(constant, sample));
      assertThat(best)
          .as("seed %d", seed)
          .isLessThanOrEqualTo(squaredError(tally.quantile(fired(sample[1])), sample));
      CalibrationMap own = tally.conditionalMean();
      for (int trial = 0; trial < 20; trial++) {
        float[] other = own.activations().clone();
        for (int i = 0; i < other.length; i++) {
          other[i] += (float) (random.nextGaussian() * 0.1);
        }
        java.util.Arrays.sort(other);
        assertThat(best)
            .as("seed %d", seed)
            .isLessThanOrEqualTo(
                squaredError(new CalibrationMap(own.ratings(), other), sample) + 1e-3);
      }
    }
  }

  /** The bound that the class states: 1 part in 2048, for any interval of ranks. */
  @Test
  void pooledActivationsAreWithinTheirBound() {
    for (long seed = 0; seed < 10; seed++) {
      Random random = new Random(seed);
      float[] values = new float[20_000];
      PooledActivations pooled = new PooledActivations();
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) Math.exp(random.nextGaussian() * (1 + seed));
        pooled.add(values[i]);
      }
      SortedActivations exact = new SortedActivations(values);
      assertThat(pooled.count()).isEqualTo(exact.count());
      assertThat(pooled.sumOfSmallest(values.length))
          .isCloseTo(exact.sumOfSmallest(values.length), withinPercentage(1e-6));
      for (int trial = 0; trial < 500; trial++) {
        int from = random.nextInt(values.length);
        int to = from + 1 + random.nextInt(values.length - from);
        double truth = exact.sumOfSmallest(to) - exact.sumOfSmallest(from);
        assertThat(pooled.sumOfSmallest(to) - pooled.sumOfSmallest(from))
            .as("seed %d, ranks %d to %d", seed, from, to)
            .isCloseTo(truth, within(truth / 2048 + 1e-9 * exact.sumOfSmallest(to)));
      }
    }
  }

  @Test
  void levelsAreBoundedWhateverASimulatorSays() {
    Random random = new Random(1);
    RatingTally tally = new RatingTally();
    int tokens = 200_000;
    double sum = 0;
    for (int t = 0; t < tokens; t++) {
      float rating = 10 * random.nextFloat();
      tally.add(rating, 1, 1, rating);
      sum += rating;
    }
    CalibrationMap map = tally.conditionalMean();
    assertThat(map.ratings()).hasSizeBetween(512, RatingTally.MOST_LEVELS);
    assertThat(map.ratings()).isSorted();
    assertThat(map.activations()).isSorted();
    for (float rating = 0.1f; rating < 9.9f; rating += 0.1f) {
      assertThat(map.apply(rating)).isCloseTo(rating, within(0.05f));
    }
    assertThat(sum / tokens).isCloseTo(5, within(0.05));
  }

  /** Isotonic fits as the largest lower mean over intervals (Robertson et al. 1988). */
  private static double isotonic(float[] ratings, double[] values, float at) {
    double best = Double.NEGATIVE_INFINITY;
    for (float low = 0; low <= at; low += .5f) {
      double least = Double.POSITIVE_INFINITY;
      for (float high = at; high <= 10; high += .5f) {
        double sum = 0;
        int count = 0;
        for (int t = 0; t < ratings.length; t++) {
          if (ratings[t] >= low && ratings[t] <= high && !Double.isNaN(values[t])) {
            sum += values[t];
            count++;
          }
        }
        least = count == 0 ? least : Math.min(least, sum / count);
      }
      best = least == Double.POSITIVE_INFINITY ? best : Math.max(best, least);
    }
    return best;
  }

  @Test
  void hurdleIsChanceTimesStrength() {
    float[][] sample = sample(new Random(5));
    double[] fires = new double[TOKENS];
    double[] strength = new double[TOKENS];
    for (int t = 0; t < TOKENS; t++) {
      fires[t] = sample[1][t] > 0 ? 1 : 0;
      strength[t] = sample[1][t] > 0 ? sample[1][t] : Double.NaN;
    }
    CalibrationMap map = tally(sample).hurdle();
    for (float rating : map.ratings()) {
      double expected = isotonic(sample[0], fires, rating) * isotonic(sample[0], strength, rating);
      assertThat((double) map.apply(rating)).isCloseTo(expected, within(1e-5));
    }
    assertThat(map.activations()).isSorted();
    RatingTally silent = new RatingTally();
    silent.add(1, 5, 0, 0);
    assertThat(silent.hurdle().apply(1)).isZero();
  }
}
