package dev.palimpsest.train;

import dev.palimpsest.base.UsageException;
import java.util.Locale;

/** The update rules a coder can be trained with. */
public enum Optimizer {
  /**
   * Adam (Kingma & Ba 2015), as torch computes it; the learning rate warms up, then decays linearly
   * to 0.
   */
  ADAM,
  /**
   * Sign descent under schedule-free averaging (Defazio et al. 2024): constant learning rate, no
   * warm-up. Three points per weight: z moves, x is the running average of z (what is saved and
   * evaluated), y lies between (where gradients are taken).
   */
  SIGNUM;

  /** The name on the command line and in files. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Whether its rate does not depend on the length of the run, so that a run can be extended. */
  public boolean isScheduleFree() {
    return this == SIGNUM;
  }

  /**
   * The optimiser of that {@link #label}.
   *
   * @throws UsageException for any other name
   */
  public static Optimizer of(String label) {
    for (Optimizer optimizer : values()) {
      if (optimizer.label().equals(label)) {
        return optimizer;
      }
    }
    throw new UsageException("optimizer '" + label + "' is unknown, expected adam or signum");
  }
}
