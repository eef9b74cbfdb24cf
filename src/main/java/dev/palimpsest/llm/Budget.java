package dev.palimpsest.llm;

import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * What may be spent on answers in one go; see {@link Spending}.
 *
 * @param calls the most calls
 * @param cost the most money, in the currency of the prices
 */
public record Budget(OptionalLong calls, OptionalDouble cost, Prices prices) {
  /** No limits. */
  public static final Budget UNLIMITED =
      new Budget(OptionalLong.empty(), OptionalDouble.empty(), Prices.NONE);
}
