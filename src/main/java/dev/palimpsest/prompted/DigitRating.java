package dev.palimpsest.prompted;

import dev.palimpsest.llm.Reply;
import java.util.List;
import java.util.stream.IntStream;

/** Ratings out of probabilities of digits. */
final class DigitRating {
  /** What is asked for. */
  static final List<String> DIGITS = IntStream.range(0, 10).mapToObj(Integer::toString).toList();

  private static final double HIGHEST_DIGIT = 9;
  private static final double HIGHEST_RATING = 10;

  private DigitRating() {}

  /**
   * The expected digit, on the scale of ratings: the paper's ten levels from 0 to the latent's
   * maximum are our ratings 0 to 10.
   *
   * @param renormalise whether the digits' probabilities are made to add up to 1
   * @return NaN where there is no rating: refused, or no digit has a probability
   */
  static float of(Reply reply, boolean renormalise) {
    return reply instanceof Reply.Labelled labelled
        ? of(labelled.probabilities(), renormalise)
        : Float.NaN;
  }

  /** The same of the digits' probabilities. */
  static float of(List<Double> chances, boolean renormalise) {
    double expected = 0;
    double all = 0;
    for (int digit = 0; digit < DIGITS.size(); digit++) {
      expected += digit * chances.get(digit);
      all += chances.get(digit);
    }
    if (all <= 0) {
      return Float.NaN;
    }
    double mean = renormalise ? expected / all : expected;
    return (float) (Math.min(HIGHEST_DIGIT, mean) * (HIGHEST_RATING / HIGHEST_DIGIT));
  }
}
