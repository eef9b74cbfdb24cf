package dev.palimpsest.lexical;

import java.util.Arrays;

/**
 * How the characters are shared out: a search ends when no pattern is worth a common least, so that
 * a character more would do about equally much good anywhere. The least worth is the one at which
 * the texts of a sample of latents have the wanted mean length.
 */
final class TextBudget {
  /** The course of one latent's search. */
  static final class Course implements ScorecardFitter.Trace {
    private float[] leastSoFar = new float[64];
    private int[] before = new int[64];
    private int steps;

    @Override
    public void adding(float worth, int characters) {
      if (steps == before.length) {
        leastSoFar = Arrays.copyOf(leastSoFar, 2 * steps);
        before = Arrays.copyOf(before, 2 * steps);
      }
      leastSoFar[steps] = steps == 0 ? worth : Math.min(worth, leastSoFar[steps - 1]);
      before[steps++] = characters;
    }

    /** Length of the text had the search ended at the first pattern worth less. */
    int characters(float leastWorth) {
      for (int step = 0; step < steps; step++) {
        if (leastSoFar[step] < leastWorth) {
          return before[step];
        }
      }
      return steps == 0 ? 0 : before[steps - 1];
    }
  }

  private TextBudget() {}

  /** The smallest least worth at which the mean length is no more than {@code characters}. */
  static float leastWorth(Course[] courses, int characters) {
    float low = 0;
    float high = 1;
    while (mean(courses, high) > characters && high < 1e9f) {
      low = high;
      high *= 2;
    }
    if (low == 0 && mean(courses, 0) <= characters) {
      return 0;
    }
    for (int step = 0; step < 30; step++) {
      float middle = (low + high) / 2;
      if (mean(courses, middle) > characters) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return high;
  }

  private static double mean(Course[] courses, float leastWorth) {
    return Arrays.stream(courses)
        .mapToInt(course -> course.characters(leastWorth))
        .average()
        .orElse(0);
  }
}
