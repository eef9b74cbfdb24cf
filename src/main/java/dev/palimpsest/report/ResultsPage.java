package dev.palimpsest.report;

import dev.palimpsest.results.Interval;
import dev.palimpsest.results.RecordedResult;
import dev.palimpsest.results.RecordedResult.Row;
import dev.palimpsest.results.RewriteResult;
import dev.palimpsest.results.TogetherResult;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/** The page of results: Markdown made of recorded results, section by section. */
public final class ResultsPage {
  private static final Numbers NUMBERS = new Numbers();

  private static final String HEAD =
      """
      # Results

      Made by `palimpsest results`, of the records in `results/`; no number is typed. Losses are
      cross-entropies in nats per token over the evaluation split, every token patched; each window's
      loss is the mean over the seeds, intervals are 95 % by a bootstrap of whole documents, tests
      are Wilcoxon's signed-rank test paired by document.
      *Recovered* is (floor − row) / (floor − true coder), from two floors: zero latents, and the
      strongest trivial baseline (the least loss among zero latents, zero output, mean output and mean
      latents). *FVE* is the share of the component's output that is explained. *Worse than words by*
      is the row's loss less that of the rewrite, p-values by Holm's correction for the table's rows.
      No story is in two splits, and none but the final losses sees the evaluation split; explanations
      are written from the explain split and a sample of the train split.
      """;

  private ResultsPage() {}

  private static Map<String, List<RecordedResult>> sections(List<RecordedResult> results) {
    Map<String, List<RecordedResult>> sections = new LinkedHashMap<>();
    results.forEach(
        result -> sections.computeIfAbsent(result.section(), key -> new ArrayList<>()).add(result));
    return sections;
  }

  /**
   * The page's figures: of every section whose brief results differ in the length of their texts,
   * the curve of loss against characters.
   *
   * @return SVG images by the name of their file
   */
  public static Map<String, String> figures(List<RecordedResult> results) {
    Map<String, String> figures = new LinkedHashMap<>();
    sections(results)
        .forEach(
            (section, own) -> {
              List<RecordedResult> brief = own.stream().filter(RecordedResult::brief).toList();
              if (CharactersFigure.drawable(brief)) {
                figures.put(file(section), HtmlReport.alone(CharactersFigure.draw(brief)));
              }
            });
    return figures;
  }

  private static String file(String section) {
    return section.toLowerCase(java.util.Locale.ROOT).replaceAll("[^a-z0-9]+", "-") + ".svg";
  }

  /**
   * @param results in the order of the page; sections appear with their first result
   * @param folder of the figures, as seen from the page
   */
  public static String of(List<RecordedResult> results, String folder) {
    Map<String, List<RecordedResult>> sections = sections(results);
    Map<String, String> figures = figures(results);
    StringBuilder page = new StringBuilder(HEAD);
    sections.forEach(
        (section, own) -> {
          page.append("\n## ").append(Markdown.text(section)).append("\n");
          List<RecordedResult> brief = own.stream().filter(RecordedResult::brief).toList();
          own.stream().filter(result -> !result.brief()).forEach(result -> whole(result, page));
          if (figures.containsKey(file(section))) {
            page.append("\n![").append(Markdown.text(section)).append("](");
            page.append(folder).append('/').append(file(section)).append(")\n");
          }
          if (!brief.isEmpty()) {
            brief(brief, page);
          }
        });
    return page.toString();
  }

  private static void whole(RecordedResult result, StringBuilder page) {
    page.append("\n### ").append(Markdown.text(result.title())).append("\n\n");
    commands(result, page);
    page.append(
        String.format(
            java.util.Locale.ROOT,
            "\n`%s`, M %,d, k %d, %s; %,d windows of %,d documents, %,d tokens; palimpsest %s.\n",
            result.hookpoint(),
            result.latents(),
            result.k(),
            seeds(result),
            result.windows(),
            result.documents(),
            result.tokens(),
            result.program()));
    page.append(
        String.format(
            java.util.Locale.ROOT,
            "Texts: %.0f characters on average and %.0f of the glossary, %.0f together; the longest"
                + " %d.\n\n",
            result.words().meanCharacters(),
            result.words().glossaryShare(),
            result.words().characters(),
            result.words().longest()));
    page.append(losses(result));
    result.together().ifPresent(together -> together(together, page));
    page.append("\nTen explanations, drawn by a seed:\n\n");
    result
        .quoted()
        .forEach(
            quoted ->
                page.append("- ")
                    .append(quoted.latent())
                    .append(": ")
                    .append(Markdown.text(quoted.text()))
                    .append('\n'));
  }

  private static String seeds(RecordedResult result) {
    return result.seeds() == 1 ? "one seed" : result.seeds() + " seeds";
  }

  private static void commands(RecordedResult result, StringBuilder page) {
    page.append("```sh\n");
    result.commands().forEach(command -> page.append(command).append('\n'));
    page.append("```\n");
  }

  private static String losses(RecordedResult result) {
    List<String> header =
        List.of(
            "in the component's place",
            ">CE",
            ">added [95 %]",
            ">FVE",
            ">recovered from zero latents [95 %]",
            ">by seed",
            ">recovered from " + Headline.baselineName(result.strongest()) + " [95 %]",
            ">by seed",
            ">worse than words by [95 %]",
            ">p (Holm)");
    List<List<String>> rows = new ArrayList<>();
    for (Row row : result.rows()) {
      boolean words = row.name().equals(result.headline());
      rows.add(
          List.of(
              name(row.name()) + (words ? " (the rewrite)" : ""),
              NUMBERS.fixed(row.ce(), 3),
              signed(row.added(), row.addedCi95()),
              NUMBERS.fixed(row.fve(), 3),
              fixed(row.recovered(), row.recoveredCi95()),
              seeds(row.recoveredBySeed()),
              fixed(row.beyond(), row.beyondCi95()),
              seeds(row.beyondBySeed()),
              words ? "" : signed(row.lessThanThis(), row.lessThanThisCi95()),
              words ? "" : NUMBERS.pValue(row.p(), row.pHolm())));
    }
    return Markdown.table(header, rows);
  }

  private static void together(TogetherResult result, StringBuilder page) {
    page.append(
        String.format(
            java.util.Locale.ROOT,
            "\nLayers replaced together (calibration %s; %,d windows of %,d documents, %,d tokens);"
                + " each reads what the ones below have left:\n\n",
            result.calibration(),
            result.windows(),
            result.documents(),
            result.tokens()));
    List<List<String>> rows = new ArrayList<>();
    for (TogetherResult.Row row : result.rows()) {
      if (row.by().equals(TogetherResult.WORDS)) {
        rows.add(
            List.of(
                String.join(", ", row.replaced()),
                signed(row.ceDeltaMean(), row.ceDeltaCi95()),
                NUMBERS.signed(result.added(row.replaced(), RewriteResult.TRANSCODER), 3),
                NUMBERS.signed(result.added(row.replaced(), RewriteResult.ZERO_LATENTS), 3),
                NUMBERS.signed(result.added(row.replaced(), RewriteResult.MEAN_OUTPUT), 3),
                NUMBERS.signed(result.added(row.replaced(), RewriteResult.MEAN_LATENTS), 3),
                fixed(row.lossRecovered(), row.lossRecoveredCi95())));
      }
    }
    page.append(
        Markdown.table(
            List.of(
                "replaced",
                ">added: words [95 %]",
                ">true coders",
                ">zero latents",
                ">mean output",
                ">mean latents",
                ">recovered from zero latents [95 %]"),
            rows));
  }

  private static void brief(List<RecordedResult> results, StringBuilder page) {
    page.append('\n');
    List<List<String>> rows = new ArrayList<>();
    for (RecordedResult result : results) {
      Optional<Row> words = row(result, result.headline());
      rows.add(
          List.of(
              result.title(),
              Integer.toString(result.seeds()),
              NUMBERS.fixed(result.words().characters(), 0),
              Integer.toString(result.words().longest()),
              NUMBERS.signed(added(result, RewriteResult.TRANSCODER), 3),
              NUMBERS.signed(added(result, RewriteResult.ZERO_LATENTS), 3),
              NUMBERS.signed(added(result, RewriteResult.SHUFFLED_EXPLANATIONS), 3),
              signed(figure(words.map(Row::added)), words.flatMap(Row::addedCi95)),
              NUMBERS.fixed(figure(words.map(Row::fve)), 3),
              fixed(figure(words.map(Row::recovered)), words.flatMap(Row::recoveredCi95)),
              fixed(figure(words.map(Row::beyond)), words.flatMap(Row::beyondCi95))));
    }
    page.append(
        Markdown.table(
            List.of(
                "what",
                ">seeds",
                ">characters",
                ">longest",
                ">added: true coder",
                ">zero latents",
                ">shuffled texts",
                ">words [95 %]",
                ">FVE",
                ">recovered from zero latents [95 %]",
                ">from the strongest [95 %]"),
            rows));
    page.append('\n');
    results.forEach(result -> commands(result, page));
  }

  private static Optional<Row> row(RecordedResult result, String name) {
    return result.rows().stream().filter(row -> row.name().equals(name)).findFirst();
  }

  private static OptionalDouble added(RecordedResult result, String name) {
    return figure(row(result, name).map(Row::added));
  }

  private static OptionalDouble figure(Optional<OptionalDouble> figure) {
    return figure.orElse(OptionalDouble.empty());
  }

  private static String name(String variant) {
    if (variant.startsWith("rival/")) {
      return "no words: " + variant.substring("rival/".length());
    }
    return variant.contains("/")
        ? "words: " + variant.replace("/best/1.0", "").replace("/", ", ")
        : Headline.baselineName(variant);
  }

  private static String signed(OptionalDouble value, Optional<Interval> interval) {
    return (NUMBERS.signed(value, 3) + " " + NUMBERS.signed(interval, 3)).strip();
  }

  private static String fixed(OptionalDouble value, Optional<Interval> interval) {
    return (NUMBERS.fixed(value, 3) + " " + NUMBERS.fixed(interval, 3)).strip();
  }

  private static String seeds(List<OptionalDouble> values) {
    return values.size() < 2
        ? ""
        : String.join(", ", values.stream().map(value -> NUMBERS.fixed(value, 3)).toList());
  }
}
