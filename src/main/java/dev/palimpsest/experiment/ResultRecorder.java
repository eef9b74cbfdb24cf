package dev.palimpsest.experiment;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Seeds;
import dev.palimpsest.base.StateFiles;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.evaluate.HolmCorrection;
import dev.palimpsest.evaluate.LossStatistics;
import dev.palimpsest.evaluate.LossTable;
import dev.palimpsest.evaluate.SeedLosses;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.explain.ExplanationStore;
import dev.palimpsest.results.Protocol;
import dev.palimpsest.results.RecordedResult;
import dev.palimpsest.results.RecordedResult.Quoted;
import dev.palimpsest.results.RecordedResult.Row;
import dev.palimpsest.results.RecordedResult.Words;
import dev.palimpsest.results.RewriteResult;
import dev.palimpsest.results.TogetherResult;
import dev.palimpsest.rewrite.RewriteStage;
import dev.palimpsest.run.RunDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SplittableRandom;

/** Gathers what the page of results keeps of runs whose coders differ in their seed. */
public final class ResultRecorder {
  private static final int RESAMPLES = 2000;
  private static final int QUOTED = 10;

  /** One coder of a run. */
  private record Coder(RunDirectory run, String name) {}

  private final String hookpoint;
  private final List<Coder> coders;

  private ResultRecorder(String hookpoint, List<Coder> coders) {
    this.hookpoint = hookpoint;
    this.coders = coders;
  }

  /**
   * How a result is presented.
   *
   * @param name of its file
   * @param section heading
   * @param title in a few words
   * @param brief whether one row is enough
   * @param commands that made the runs
   */
  public record Presentation(
      String name, String section, String title, boolean brief, List<String> commands) {}

  /**
   * Gathers a result.
   *
   * @param folders run directories; of each the main coder's hookpoint, with all its seeds
   * @throws PalimpsestException where something is not there, or the runs do not belong together
   */
  public static RecordedResult record(Presentation presentation, List<Path> folders) {
    List<Coder> coders = new ArrayList<>();
    String hookpoint = "";
    for (Path folder : folders) {
      RunDirectory run = RunDirectory.existing(folder);
      ExperimentConfig config = ConfigFiles.readResolved(run.config());
      String main = CoderUnit.main(config).hookpoint();
      if (!coders.isEmpty() && !main.equals(hookpoint)) {
        throw new UsageException(folder + ": rewrites " + main + ", the others " + hookpoint);
      }
      hookpoint = main;
      CoderUnit.of(config).stream()
          .filter(unit -> unit.hookpoint().equals(main))
          .forEach(unit -> coders.add(new Coder(run, unit.name())));
      Experiments.requireCurrentResult(folder);
    }
    return new ResultRecorder(hookpoint, coders).recorded(presentation);
  }

  private RecordedResult recorded(Presentation presentation) {
    List<Path> tables = coders.stream().map(c -> table(c.run(), c.name())).toList();
    RewriteResult first = RewriteStage.read(tables.get(0));
    SeedLosses losses = SeedLosses.read(tables.stream().map(RewriteStage::lossesFile).toList());
    LossTable mean = losses.mean();
    String strongest = strongest(losses, mean);
    String headline = headline(first);
    return new RecordedResult(
        presentation.name(),
        presentation.section(),
        presentation.title(),
        presentation.brief(),
        presentation.commands(),
        program(),
        hookpoint,
        Protocol.ALL_TOKENS.label(),
        coders.size(),
        mean.windows(),
        statistics(losses, mean).documents(),
        mean.totalTokens(),
        first.latents(),
        first.k(),
        strongest,
        headline,
        rows(losses, mean, strongest, headline),
        words(),
        quoted(),
        together());
  }

  private static Path table(RunDirectory run, String coder) {
    return run.rewrite(coder, Protocol.ALL_TOKENS.label());
  }

  private String program() {
    return Json.read(
            coders.get(0).run().environment(), com.fasterxml.jackson.databind.JsonNode.class)
        .path("palimpsest")
        .asText();
  }

  private static LossStatistics statistics(SeedLosses losses, LossTable table) {
    List<String> names = losses.variants();
    return new LossStatistics(
        table,
        names.indexOf(RewriteResult.UNSPLICED),
        names.indexOf(RewriteResult.ZERO_LATENTS),
        names.indexOf(RewriteResult.TRANSCODER),
        RESAMPLES,
        0);
  }

  private static String strongest(SeedLosses losses, LossTable mean) {
    LossStatistics statistics = statistics(losses, mean);
    return RewriteResult.TRIVIAL.stream()
        .filter(name -> statistics.ce(losses.variants().indexOf(name)).isPresent())
        .min(
            Comparator.comparing(
                name -> statistics.ce(losses.variants().indexOf(name)).orElseThrow()))
        .orElse(RewriteResult.ZERO_LATENTS);
  }

  /** The name of the row that sums a table up, as the losses by window have it. */
  private static String headline(RewriteResult table) {
    return table
        .headline()
        .map(
            row ->
                row.calibration()
                    + "/"
                    + row.selection().label()
                    + "/"
                    + row.fraction()
                    + (row.reselect() ? "/reselect" : ""))
        .orElseThrow(() -> new PalimpsestException("a table without any rewrite"));
  }

  private static List<Row> rows(
      SeedLosses losses, LossTable mean, String strongest, String headline) {
    List<String> names =
        losses.variants().stream().filter(name -> !name.startsWith("zero_same/")).toList();
    int floor = losses.variants().indexOf(strongest);
    int words = losses.variants().indexOf(headline);
    int constant = losses.variants().indexOf(RewriteResult.MEAN_OUTPUT);
    LossStatistics over = statistics(losses, mean);
    List<LossStatistics> each = new ArrayList<>();
    for (int seed = 0; seed < losses.seeds(); seed++) {
      each.add(statistics(losses, losses.table(seed)));
    }
    List<OptionalDouble> raw = new ArrayList<>();
    for (String name : names) {
      int v = losses.variants().indexOf(name);
      raw.add(v == words ? OptionalDouble.empty() : over.pValue(v, words));
    }
    List<OptionalDouble> holm = HolmCorrection.adjust(raw);
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      int v = losses.variants().indexOf(names.get(i));
      rows.add(
          new Row(
              names.get(i),
              over.ce(v),
              over.deltaMean(v),
              over.deltaInterval(v),
              over.varianceExplained(v, constant),
              over.lossRecovered(v),
              over.lossRecoveredInterval(v),
              over.lossRecovered(v, floor),
              over.lossRecoveredInterval(v, floor),
              each.stream().map(seed -> seed.lossRecovered(v)).toList(),
              each.stream().map(seed -> seed.lossRecovered(v, floor)).toList(),
              over.difference(v, words),
              over.differenceInterval(v, words),
              raw.get(i),
              holm.get(i)));
    }
    return rows;
  }

  private List<Explanation> explanations(Coder coder) {
    return ExplanationStore.read(coder.run().explanations(coder.name()));
  }

  private Words words() {
    int explained = 0;
    long characters = 0;
    long glossaries = 0;
    int longest = 0;
    for (Coder coder : coders) {
      for (Explanation explanation : explanations(coder)) {
        explained++;
        int length = explanation.text().codePointCount(0, explanation.text().length());
        characters += length;
        longest = Math.max(longest, length);
      }
      glossaries += glossary(coder.run().glossary(coder.name()));
    }
    int texts = Math.max(1, explained);
    return new Words(explained, (double) characters / texts, (double) glossaries / texts, longest);
  }

  private static long glossary(Path file) {
    try {
      return Files.exists(file) ? Files.readString(file).length() : 0;
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot read " + file + ": " + AtomicFiles.describe(failure), failure);
    }
  }

  private Optional<TogetherResult> together() {
    Path file = coders.get(0).run().together(Protocol.ALL_TOKENS.label());
    return Files.exists(file)
        ? Optional.of(StateFiles.read(file, TogetherResult.class))
        : Optional.empty();
  }

  private List<Quoted> quoted() {
    List<Explanation> texts = new ArrayList<>(explanations(coders.get(0)));
    SplittableRandom random = Seeds.stream(0, "quoted-explanations", texts.size());
    List<Quoted> drawn = new ArrayList<>();
    while (drawn.size() < QUOTED && !texts.isEmpty()) {
      Explanation one = texts.remove(random.nextInt(texts.size()));
      drawn.add(new Quoted(one.latent(), one.text()));
    }
    drawn.sort(Comparator.comparingInt(Quoted::latent));
    return drawn;
  }
}
