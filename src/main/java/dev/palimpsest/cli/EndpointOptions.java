package dev.palimpsest.cli;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.llm.Budget;
import dev.palimpsest.llm.EndpointSettings;
import dev.palimpsest.llm.LabelWay;
import dev.palimpsest.llm.Prices;
import dev.palimpsest.llm.Secret;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import picocli.CommandLine.Option;

/** How a server is asked. */
final class EndpointOptions {
  @Option(
      names = "--model",
      paramLabel = "NAME",
      description = "Of a server with several models: which one.")
  private String name;

  @Option(
      names = "--key-env",
      paramLabel = "VARIABLE",
      description =
          "Environment variable with the server's key. Default: "
              + Secret.VARIABLE
              + ", else the one customary for the host, such as OPENAI_API_KEY for api.openai.com.")
  private String keyVariable;

  @Option(
      names = "--concurrency",
      paramLabel = "N",
      defaultValue = "64",
      description = "Questions that a server has to answer at a time. Default: ${DEFAULT-VALUE}.")
  private int concurrency;

  @Option(
      names = "--request-timeout",
      paramLabel = "SECONDS",
      defaultValue = "120",
      description = "How long a server may take for an answer. Default: ${DEFAULT-VALUE}.")
  private int timeout;

  @Option(
      names = "--patience",
      paramLabel = "SECONDS",
      defaultValue = "600",
      description =
          "How long a question is asked again after faults that may pass, such as too many"
              + " requests. Default: ${DEFAULT-VALUE}.")
  private int patience;

  @Option(
      names = "--labels-by",
      paramLabel = "exact|top|prompt|samples",
      description =
          "How a server tells probabilities of labels: of the labels' tokens, of the likeliest"
              + " tokens, inside prompts that end with a label, or not at all, so that answers are"
              + " drawn and counted. Default: the first of these that works.")
  private String way;

  @Option(
      names = "--samples",
      paramLabel = "N",
      defaultValue = "8",
      description = "Answers drawn a question with --labels-by samples. Default: ${DEFAULT-VALUE}.")
  private int samples;

  @Option(
      names = "--journal",
      paramLabel = "FILE",
      description =
          "Keep the server's answers here, each as it arrives; what is there is not asked again.")
  private Path journal;

  @Option(
      names = "--max-calls",
      paramLabel = "N",
      description = "Stop after so many calls of a server; with --journal the next time goes on.")
  private Long maxCalls;

  @Option(
      names = "--max-cost",
      paramLabel = "AMOUNT",
      description = "Stop when the answers have cost so much, by --prices.")
  private Double maxCost;

  @Option(
      names = "--prices",
      split = ",",
      arity = "1",
      paramLabel = "PROMPT,WRITTEN",
      description = "What the server asks for a million tokens of prompts, and of answers.")
  private List<Double> prices = List.of();

  /** Where answers are kept. */
  Optional<Path> journal() {
    return Optional.ofNullable(journal);
  }

  /** What may be spent. */
  Budget budget() {
    if (maxCost != null && prices.isEmpty()) {
      throw new UsageException("--max-cost needs --prices");
    }
    if (!prices.isEmpty() && (prices.size() != 2 || prices.stream().anyMatch(p -> !(p >= 0)))) {
      throw new UsageException("--prices is " + prices + ", expected two numbers, 0 or more");
    }
    return new Budget(
        maxCalls == null ? OptionalLong.empty() : OptionalLong.of(maxCalls),
        maxCost == null ? OptionalDouble.empty() : OptionalDouble.of(maxCost),
        prices.isEmpty() ? Prices.NONE : new Prices(prices.get(0), prices.get(1)));
  }

  EndpointSettings settings(String url) {
    return new EndpointSettings(
        EndpointSettings.base(url),
        Optional.ofNullable(name),
        Optional.ofNullable(keyVariable),
        concurrency,
        seconds("--request-timeout", timeout),
        seconds("--patience", patience),
        Optional.ofNullable(way).map(EndpointOptions::labelled),
        samples);
  }

  private static Duration seconds(String option, int value) {
    if (value < 1) {
      throw new UsageException(option + " is " + value + ", expected 1 or more");
    }
    return Duration.ofSeconds(value);
  }

  private static LabelWay labelled(String label) {
    List<String> known = Arrays.stream(LabelWay.values()).map(LabelWay::label).toList();
    return LabelWay.labelled(label)
        .orElseThrow(
            () ->
                new UsageException(
                    "--labels-by is '"
                        + label
                        + "', expected one of "
                        + known.stream().collect(Collectors.joining(", "))));
  }
}
