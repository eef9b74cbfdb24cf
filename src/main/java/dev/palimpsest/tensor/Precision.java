package dev.palimpsest.tensor;

import dev.palimpsest.base.Choice;
import dev.palimpsest.base.UsageException;
import java.util.Locale;

/**
 * What large products are computed in: those of a coder on devices that leave the choice, and those
 * of a language model's dense layers everywhere.
 */
public enum Precision {
  /** Operands rounded to 16 bits, sums in float32: what tensor cores and AVX-512 BF16 are for. */
  BF16,
  /** Float32 throughout: what results are compared in. */
  FP32;

  /** The word for it in options and settings. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The precision of a word.
   *
   * @throws UsageException when there is none
   */
  public static Precision labelled(String label) {
    return Choice.of(values(), Precision::label, label, "unknown precision");
  }
}
