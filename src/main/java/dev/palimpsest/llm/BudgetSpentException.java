package dev.palimpsest.llm;

import dev.palimpsest.base.PalimpsestException;

/** The budget ends before the questions do. All answers until then are kept. */
public final class BudgetSpentException extends PalimpsestException {
  private static final long serialVersionUID = 1L;

  BudgetSpentException(String limit, long answered) {
    super(
        "stopped as "
            + limit
            + " says; all answers are kept ("
            + String.format(java.util.Locale.ROOT, "%,d", answered)
            + " of this time), and the same command goes on from here");
  }
}
