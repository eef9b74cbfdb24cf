package dev.palimpsest.llm;

import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * What may be spent on answers in one go. Questions under way are finished, so that a little more
 * than the limit of cost may be spent.
 *
 * @param calls the most calls
 * @param cost the most money, in the currency of the prices
 */
public record Budget(OptionalLong calls, OptionalDouble cost, Prices prices) {
  /** No limits. */
  public static final Budget UNLIMITED =
      new Budget(OptionalLong.empty(), OptionalDouble.empty(), Prices.NONE);

  /**
   * Whether another question may be asked.
   *
   * @param underWay questions asked and not yet answered, each counted as a call
   * @return why not
   */
  Optional<String> spent(Usage usage, long underWay) {
    if (calls.isPresent() && usage.calls() + underWay >= calls.getAsLong()) {
      return Optional.of(String.format(Locale.ROOT, "--max-calls %,d", calls.getAsLong()));
    }
    if (cost.isPresent() && prices.of(usage) >= cost.getAsDouble()) {
      return Optional.of(String.format(Locale.ROOT, "--max-cost %.2f", cost.getAsDouble()));
    }
    return Optional.empty();
  }
}
