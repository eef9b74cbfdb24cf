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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;

/**
 * The spliced evaluation (experiment.md, section 6): every variant's loss on the same tokens. A
 * batch of windows is read, encoded and simulated once; then each variant replaces the hooked
 * module's output and only what lies behind the hook runs again. Memory is bounded by the batch.
 */
public final class RewriteEvaluator {
  private final RewriteInputs inputs;
  private final RewriteConfig config;
  private final List<Variant> variants;
  private final LossTable table;
  private final List<Long> windows = new ArrayList<>();

  private RewriteEvaluator(RewriteInputs inputs, RewriteConfig config) {
    this.inputs = inputs;
    this.config = config;
    variants = Variant.all(config, inputs.latents(), inputs.shuffled().isPresent());
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
    return evaluation(inputs, config, progress).result();
  }

  static Evaluation evaluation(RewriteInputs inputs, RewriteConfig config, Progress progress) {
    RewriteEvaluator evaluator = new RewriteEvaluator(inputs, config);
    evaluator.measure(progress);
    return new Evaluation(
        ResultTable.of(inputs, config, evaluator.variants, evaluator.table),
        evaluator.variants.stream().map(Variant::name).toList(),
        evaluator.windows,
        evaluator.table);
  }

  private void measure(Progress progress) {
    Map<Integer, Integer> copies = copies();
    Map<Integer, Replacements.Recipe> recipes = recipes(copies);
    SplicedModel model = new SplicedModel(inputs.model(), inputs.hookpoint(), inputs.transcode());
    WindowReader reader = new WindowReader(inputs.windows(), inputs.excluded(), config);
    int rows = Math.max(1, config.batchTokens() / config.contextTokens());
    long total = (reader.windows() + rows - 1) / rows * recipes.size();
    long done = 0;
    progress.advanced(work(), "passes", 0, total);
    Optional<WindowReader.Batch> next = reader.next(rows);
    while (next.isPresent()) {
      WindowReader.Batch batch = next.get();
      done = measure(batch, model, recipes, progress, done, total);
      windows.addAll(batch.windows());
      next = reader.next(rows);
    }
    if (windows.isEmpty()) {
      throw new PalimpsestException(
          "rewrite: no window of the evaluation text has a token to count");
    }
    copies.forEach((to, from) -> table.copy(from, to));
  }

  private String work() {
    return "measuring " + inputs.hookpoint() + ", " + config.protocol().label();
  }

  /** Variants whose losses are those of an earlier one: index to index. */
  private Map<Integer, Integer> copies() {
    Map<String, Integer> first = new HashMap<>();
    Map<Integer, Integer> copies = new LinkedHashMap<>();
    for (int v = 0; v < variants.size(); v++) {
      Integer earlier = first.putIfAbsent(variants.get(v).computation(inputs.latents()), v);
      if (earlier != null) {
        copies.put(v, earlier);
      }
    }
    return copies;
  }

  /** Recipes of all variants that are measured, un-spliced left out. */
  private Map<Integer, Replacements.Recipe> recipes(Map<Integer, Integer> copies) {
    Replacements replacements = new Replacements(inputs, config.seed());
    Map<Integer, Replacements.Recipe> recipes = new LinkedHashMap<>();
    for (int v = 1; v < variants.size(); v++) {
      if (!copies.containsKey(v)) {
        recipes.put(v, replacements.recipe(variants.get(v)));
      }
    }
    return recipes;
  }

  private long measure(
      WindowReader.Batch windowBatch,
      SplicedModel model,
      Map<Integer, Replacements.Recipe> recipes,
      Progress progress,
      long before,
      long total) {
    long done = before;
    int[] counted = new int[windowBatch.windows().size()];
    windowBatch.rows().forEach(row -> counted[row.inBatch()]++);
    int first =
        table.append(
            counted,
            windowBatch.windows().stream().mapToLong(inputs.windows()::document).toArray());
    int[] windowOf = windowBatch.rows().stream().mapToInt(row -> first + row.inBatch()).toArray();
    try (SplicedModel.Batch spliced = model.run(windowBatch.tokens(), windowBatch.flatPositions());
        CleanPredictions clean = spliced.predictions(windowBatch.targets())) {
      BatchLatents latents = new BatchLatents(windowBatch, spliced, inputs.coder());
      clean.own((row, ce, kl) -> table.add(0, windowOf[row], ce, kl));
      for (Map.Entry<Integer, Replacements.Recipe> entry : recipes.entrySet()) {
        int variant = entry.getKey();
        try (Tensor replacement = entry.getValue().make(latents)) {
          spliced.logits(
              replacement,
              logits ->
                  clean.losses(logits, (row, ce, kl) -> table.add(variant, windowOf[row], ce, kl)));
        }
        progress.advanced(work(), "passes", ++done, total, variants.get(variant).name());
      }
    }
    return done;
  }
}
