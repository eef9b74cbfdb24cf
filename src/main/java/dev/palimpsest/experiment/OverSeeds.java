package dev.palimpsest.experiment;

import dev.palimpsest.report.Headline;
import dev.palimpsest.report.RewriteTable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Function;

/** Sums up coders that differ only in the seed of their training: median and range. */
final class OverSeeds {
  private OverSeeds() {}

  /**
   * A sentence a hookpoint that was trained with several seeds.
   *
   * @param plans of the tables' coders; a coder without a table may be among them
   * @param tables of one protocol
   */
  static List<String> sentences(List<StagePlan> plans, List<RewriteTable> tables) {
    Map<String, Long> seeds = new LinkedHashMap<>();
    for (StagePlan plan : plans) {
      if (plan.unit().seed().isPresent()) {
        seeds.merge(plan.unit().hookpoint(), 1L, Long::sum);
      }
    }
    List<String> sentences = new ArrayList<>();
    seeds.forEach(
        (hookpoint, count) -> {
          List<RewriteTable> own =
              tables.stream().filter(table -> table.hookpoint().equals(hookpoint)).toList();
          if (own.size() > 1) {
            sentences.add(sentence(hookpoint, own));
          }
        });
    return sentences;
  }

  private static String sentence(String hookpoint, List<RewriteTable> tables) {
    return String.format(
        Locale.ROOT,
        "%s over %d seeds, median [range]: added loss with the true coder %s, with all latents"
            + " rewritten %s nats; loss recovered %s.",
        hookpoint,
        tables.size(),
        spread("%+.3f", tables, table -> table.delta(RewriteTable.TRANSCODER)),
        spread("%+.3f", tables, table -> main(table, RewriteTable.Rewrite::ceDeltaMean)),
        spread("%.2f", tables, table -> main(table, RewriteTable.Rewrite::lossRecovered)));
  }

  private static OptionalDouble main(
      RewriteTable table, Function<RewriteTable.Rewrite, OptionalDouble> figure) {
    return Headline.main(table).map(figure).orElse(OptionalDouble.empty());
  }

  private static String spread(
      String form, List<RewriteTable> tables, Function<RewriteTable, OptionalDouble> figure) {
    double[] values =
        tables.stream().map(figure).flatMapToDouble(OptionalDouble::stream).sorted().toArray();
    if (values.length == 0) {
      return "not measured";
    }
    int middle = values.length / 2;
    double median =
        values.length % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    return String.format(
        Locale.ROOT,
        form + " [" + form + ", " + form + "]",
        median,
        values[0],
        values[values.length - 1]);
  }
}
