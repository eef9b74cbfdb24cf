package dev.palimpsest.simulate;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Seeds;
import dev.palimpsest.explain.Explanation;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A baseline: every explained latent gets the text of another. What is left of the loss then is not
 * the words' doing.
 */
public final class ShuffledExplanations {
  /** Texts that it takes. */
  public static final int FEWEST = 2;

  private ShuffledExplanations() {}

  /**
   * Passes the texts on along one cycle through all explained latents (Sattolo 1986), so that none
   * keeps its own.
   *
   * @param explanations at least two
   */
  public static List<Explanation> of(List<Explanation> explanations, long seed) {
    int count = explanations.size();
    if (count < FEWEST) {
      throw new PalimpsestException(
          "cannot shuffle the texts of " + count + " explained latents, expected at least 2");
    }
    int[] from = new int[count];
    for (int i = 0; i < count; i++) {
      from[i] = i;
    }
    SplittableRandom random = Seeds.stream(seed, "explanations.shuffle");
    for (int i = count - 1; i > 0; i--) {
      int other = random.nextInt(i);
      int swap = from[i];
      from[i] = from[other];
      from[other] = swap;
    }
    List<Explanation> shuffled = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      Explanation own = explanations.get(i);
      shuffled.add(
          new Explanation(own.latent(), explanations.get(from[i]).text(), own.explainer()));
    }
    return shuffled;
  }
}
