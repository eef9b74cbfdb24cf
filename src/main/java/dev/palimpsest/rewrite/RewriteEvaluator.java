package dev.palimpsest.rewrite;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Progress;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.evaluate.CleanPredictions;
import dev.palimpsest.evaluate.LossTable;
import dev.palimpsest.evaluate.SplicedModel;
import dev.palimpsest.results.RewriteConfig;
import dev.palimpsest.results.RewriteResult;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;

/**
 * The spliced evaluation (experiment.md, section 6): every variant's loss on the same tokens. A
 * batch of windows is read, encoded and simulated once; then each variant replaces the hooked
 * module's output and only what lies behind the hook runs again. Memory is bounded by the batch.
 * What a batch has cost is kept in a journal, so that an evaluation that was killed goes on from
 * there.
 */
public final class RewriteEvaluator {
  private final RewriteInputs inputs;
  private final RewriteConfig config;
  private final LossJournal journal;
  private final Progress progress;
  private final List<Variant> variants;
  private final Map<Integer, Integer> copies;
  private final LossTable table;
  private final List<Long> windows = new ArrayList<>();
  private final Map<String, String> notFinite = new LinkedHashMap<>();

  private RewriteEvaluator(
      RewriteInputs inputs, RewriteConfig config, LossJournal journal, Progress progress) {
    this.inputs = inputs;
    this.config = config;
    this.journal = journal;
    this.progress = progress;
    variants = Variant.all(config, inputs.latents(), shuffled(inputs), inputs.rivals().keySet());
    copies = copies();
    table = new LossTable(variants.size());
    int positions = inputs.model().config().maxPositions();
    if (config.contextTokens() > positions) {
      throw new UsageException(
          "rewrite context tokens: found "
              + config.contextTokens()
              + ", expected at most the model's "
              + positions);
    }
  }

  private static Set<String> shuffled(RewriteInputs inputs) {
    if (inputs.shuffled().isEmpty()) {
      return Set.of();
    }
    Set<String> names = new HashSet<>(Variant.SHUFFLED);
    if (inputs.shuffled().get().joint().isEmpty()) {
      names.remove(RewriteResult.SHUFFLED_JOINT);
    }
    if (inputs.shuffled().get().paraphrased().isEmpty()) {
      names.remove(RewriteResult.PARAPHRASED);
    }
    return names;
  }

  /** An evaluation: its table of means, and the losses by window behind it. */
  record Evaluation(
      RewriteResult result, List<String> variants, List<Long> windows, LossTable table) {}

  /**
   * Measures all variants.
   *
   * @throws PalimpsestException where no window has a token to count
   */
  public static RewriteResult evaluate(
      RewriteInputs inputs, RewriteConfig config, Progress progress) {
    return evaluation(inputs, config, LossJournal.none(), progress).result();
  }

  static Evaluation evaluation(
      RewriteInputs inputs, RewriteConfig config, LossJournal journal, Progress progress) {
    RewriteEvaluator evaluator = new RewriteEvaluator(inputs, config, journal, progress);
    StoppingRule rule = new StoppingRule(config);
    evaluator.measure(rule);
    return new Evaluation(
        ResultTable.of(
            inputs, config, evaluator.variants, evaluator.table, rule.looks(), evaluator.notFinite),
        evaluator.variants.stream().map(Variant::name).toList(),
        evaluator.windows,
        evaluator.table);
  }

  private void measure(StoppingRule rule) {
    Map<Integer, Replacements.Recipe> recipes = recipes();
    WindowReader reader = new WindowReader(inputs.windows(), inputs.excluded(), config);
    int rows = Math.max(1, config.batchTokens() / config.contextTokens());
    Work work = new Work(reader.windows(), recipes.size());
    SplicedModel model = new SplicedModel(inputs.model(), inputs.hookpoint(), inputs.transcode());
    Optional<WindowReader.Batch> next = reader.next(rule.most(rows, 0));
    boolean narrow = false;
    while (next.isPresent() && !narrow) {
      WindowReader.Batch batch = next.get();
      Optional<BatchLosses> known = journal.next(batch.windows(), variants.size());
      BatchLosses losses = known.isPresent() ? known.get() : measure(batch, model, recipes, work);
      if (known.isEmpty()) {
        journal.append(losses);
      }
      take(batch, losses);
      work.finished(batch.windows().size(), known.isEmpty());
      narrow =
          rule.looksAt(table.windows())
              && rule.isNarrow(ResultTable.headlineInterval(config, variants, table));
      next = reader.next(rule.most(rows, table.windows()));
    }
    if (narrow) {
      progress.says(
          String.format(
              java.util.Locale.ROOT,
              "stopped after %,d windows: the headline's interval is narrow enough",
              table.windows()));
    }
    if (windows.isEmpty()) {
      throw new PalimpsestException(
          "rewrite: no window of the evaluation text has a token to count");
    }
  }

  /** How far the evaluation is, in replacements (a variant in a window). */
  private final class Work {
    private final long total;
    private final int perWindow;
    private final long begin = System.nanoTime();
    private long done;
    private boolean judged;

    Work(long windowsWanted, int perWindow) {
      this.perWindow = perWindow;
      total = windowsWanted * perWindow;
    }

    /** So many of the present batch's replacements are done. */
    void within(long replacements) {
      progress.advanced(name(), "replacements", done + replacements, total);
    }

    void finished(int count, boolean measured) {
      done += (long) count * perWindow;
      if (measured && !judged) {
        judged = true;
        double seconds = (System.nanoTime() - begin) / 1e9;
        long left = Math.max(0, total - done) / perWindow;
        if (left > 0) {
          progress.says(
              String.format(
                      java.util.Locale.ROOT,
                      "%s: %,d windows with %d replacements each will take %s about %.0f s more,"
                          + " judged by the first %d",
                      name(),
                      left,
                      perWindow,
                      config.untilCi() > 0 ? "at most" : "",
                      seconds / count * left,
                      count)
                  .replace("  ", " "));
        }
      }
      within(0);
    }

    private String name() {
      return "measuring " + inputs.hookpoint() + ", " + config.protocol().label();
    }
  }

  /** Variants whose losses are those of an earlier one whatever the text: index to index. */
  private Map<Integer, Integer> copies() {
    Map<String, Integer> first = new HashMap<>();
    Map<Integer, Integer> found = new LinkedHashMap<>();
    for (int v = 0; v < variants.size(); v++) {
      Integer earlier = first.putIfAbsent(variants.get(v).computation(inputs.latents()), v);
      if (earlier != null) {
        found.put(v, earlier);
      }
    }
    return found;
  }

  /** Recipes of all variants that are measured, un-spliced left out. */
  private Map<Integer, Replacements.Recipe> recipes() {
    Replacements replacements = new Replacements(inputs, config.seed());
    Map<Integer, Replacements.Recipe> recipes = new LinkedHashMap<>();
    for (int v = 1; v < variants.size(); v++) {
      if (!copies.containsKey(v)) {
        recipes.put(v, replacements.recipe(variants.get(v)));
      }
    }
    return recipes;
  }

  private BatchLosses measure(
      WindowReader.Batch batch,
      SplicedModel model,
      Map<Integer, Replacements.Recipe> recipes,
      Work work) {
    int count = batch.windows().size();
    int[] counted = new int[count];
    batch.rows().forEach(row -> counted[row.inBatch()]++);
    int[] windowOf = batch.rows().stream().mapToInt(WindowReader.Row::inBatch).toArray();
    BatchLosses losses =
        new BatchLosses(
            variants.size(),
            batch.windows().stream().mapToLong(Long::longValue).toArray(),
            counted);
    work.within(0);
    try (SplicedModel.Batch spliced = model.run(batch.tokens(), batch.flatPositions());
        CleanPredictions clean = spliced.predictions(batch.targets())) {
      clean.own((row, ce, kl) -> losses.add(0, windowOf[row], ce, kl));
      if (!finite(losses.crossEntropy()[0])) {
        fault(0, () -> model.firstNotFinite(batch.tokens()));
      }
      BatchMeasurement measurement =
          new BatchMeasurement(
              spliced,
              clean,
              new BatchLatents(batch, spliced.input(), inputs.coder(), new BatchGuesses(batch)),
              losses,
              config.contextTokens(),
              config.batchTokens(),
              new Named());
      long measured = 0;
      for (Map.Entry<Integer, Replacements.Recipe> entry : recipes.entrySet()) {
        measurement.add(entry.getKey(), entry.getValue());
        measured += count;
        work.within(measured);
      }
      measurement.finish();
    }
    for (int w = 0; w < count; w++) {
      for (Map.Entry<Integer, Integer> copy : copies.entrySet()) {
        losses.copy(copy.getValue(), copy.getKey(), w);
      }
    }
    return losses;
  }

  private void take(WindowReader.Batch batch, BatchLosses losses) {
    table.append(
        losses.tokens(),
        batch.windows().stream().mapToLong(inputs.windows()::document).toArray(),
        losses.crossEntropy(),
        losses.divergence(),
        losses.squaredError());
    windows.addAll(batch.windows());
    for (int v = 0; v < variants.size(); v++) {
      if (!finite(losses.crossEntropy()[v])) {
        // The journal of an earlier process does not say where.
        String original = variants.get(copies.getOrDefault(v, v)).name();
        String where = notFinite.getOrDefault(original, "in a module behind the replacement");
        notFinite.putIfAbsent(variants.get(v).name(), where);
      }
    }
  }

  /** Names the variants and modules at fault. */
  private final class Named implements BatchMeasurement.Faults {
    @Override
    public void notFinite(int variant, int window, SplicedModel.Batch model, Tensor replacement) {
      fault(variant, () -> model.firstNotFinite(window, replacement));
    }

    @Override
    public void sameAs(int variant, int earlier) {
      String where = notFinite.get(variants.get(earlier).name());
      if (where != null) {
        notFinite.putIfAbsent(variants.get(variant).name(), where);
      }
    }
  }

  /** Remembers, and says once, where a variant's losses are no numbers. */
  private void fault(int variant, java.util.function.Supplier<Optional<String>> where) {
    String name = variants.get(variant).name();
    if (!notFinite.containsKey(name)) {
      String place = "from the output of " + where.get().orElse("the head") + " on";
      notFinite.put(name, place);
      progress.says("not finite: the loss of " + name + ", " + place);
    }
  }

  private static boolean finite(double[] values) {
    return java.util.Arrays.stream(values).allMatch(Double::isFinite);
  }
}
