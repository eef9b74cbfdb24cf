package dev.palimpsest.llm;

import java.util.Locale;
import java.util.Optional;

/**
 * What is spent of a {@link Budget}, by all that share it. Questions under way are finished, so
 * that a little more than the limit of cost may be spent.
 */
public final class Spending {
  private final Budget budget;
  private long calls;
  private long underWay;
  private double cost;

  /**
   * @param budget the limits
   */
  public Spending(Budget budget) {
    this.budget = budget;
  }

  /**
   * Counts a question as under way, unless the budget is spent; each is counted as a call.
   *
   * @return why it must not be asked; empty where it may
   */
  synchronized Optional<String> begin() {
    if (budget.calls().isPresent() && calls + underWay >= budget.calls().getAsLong()) {
      return Optional.of(String.format(Locale.ROOT, "--max-calls %,d", budget.calls().getAsLong()));
    }
    if (budget.cost().isPresent() && cost >= budget.cost().getAsDouble()) {
      return Optional.of(
          String.format(Locale.ROOT, "--max-cost %.2f", budget.cost().getAsDouble()));
    }
    underWay++;
    return Optional.empty();
  }

  /** A question has been answered. */
  synchronized void end(Usage usage, Prices prices) {
    underWay--;
    calls += usage.calls();
    cost += prices.of(usage);
  }
}
