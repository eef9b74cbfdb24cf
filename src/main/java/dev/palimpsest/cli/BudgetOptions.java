package dev.palimpsest.cli;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.experiment.RunRequest;
import dev.palimpsest.llm.Budget;
import dev.palimpsest.llm.Prices;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import picocli.CommandLine.Option;

/** What may be spent on language models' answers, of commands whose stages ask. */
final class BudgetOptions {
  @Option(
      names = "--max-calls",
      paramLabel = "N",
      description =
          "Stop after so many answers of language models; the same command goes on from there.")
  private Long maxCalls;

  @Option(
      names = "--max-cost",
      paramLabel = "AMOUNT",
      description = "Stop when the answers have cost so much, by the models' settings 'prices'.")
  private Double maxCost;

  @Option(
      names = "--dry-run",
      description =
          "Do nothing; say how many questions language models would be asked, and of how many"
              + " tokens.")
  private boolean dryRun;

  /** A request within these limits. */
  RunRequest limit(RunRequest request) {
    return request.within(budget(), dryRun);
  }

  private Budget budget() {
    if ((maxCalls != null && maxCalls < 0) || (maxCost != null && !(maxCost >= 0))) {
      throw new UsageException("--max-calls and --max-cost: expected 0 or more");
    }
    return new Budget(
        maxCalls == null ? OptionalLong.empty() : OptionalLong.of(maxCalls),
        maxCost == null ? OptionalDouble.empty() : OptionalDouble.of(maxCost),
        Prices.NONE);
  }
}
