package dev.palimpsest.simulate;

import dev.palimpsest.base.Choice;
import dev.palimpsest.base.UsageException;
import java.util.Locale;

/** How a rating becomes an activation. */
public enum Calibration {
  /**
   * Ten linear levels: rating r is r/10 of the latent's maximum (Paulo and Belrose 2025,
   * uncalibrated).
   */
  NONE,
  /**
   * A rating stands for the activations of the same rank: the mean of the true activations'
   * quantile function over the rating's interval (F(r-), F(r)] of the ratings' distribution, zeros
   * included. Keeps the mean exactly.
   */
  QUANTILE,
  /** The monotone least-squares regression of true activation on rating. */
  CONDITIONAL_MEAN,
  /**
   * The probability that the latent fires at a rating times its mean activation where it fires
   * there, each a monotone least-squares regression on rating.
   */
  HURDLE,
  /**
   * {@link #CONDITIONAL_MEAN} times one scale a latent, all of them fitted together to the module's
   * output ({@link JointFit}).
   */
  JOINT;

  /** As spelt in options and results, for example {@code conditional-mean}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * @throws UsageException when no calibration is spelt so
   */
  public static Calibration labelled(String label) {
    return Choice.of(values(), Calibration::label, label, "unknown calibration");
  }
}
