package dev.palimpsest.rewrite;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Progress;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.evaluate.CleanPredictions;
import dev.palimpsest.evaluate.LossStatistics;
import dev.palimpsest.evaluate.LossTable;
import dev.palimpsest.evaluate.SplicedModel;
import dev.palimpsest.model.Splice;
import dev.palimpsest.results.RewriteConfig;
import dev.palimpsest.results.RewriteResult;
import dev.palimpsest.results.Selection;
import dev.palimpsest.results.TogetherResult;
import dev.palimpsest.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/**
 * Several modules replaced at once: each of them alone, then the lowest two, three, … all, every
 * set by words, by the true coders and by what needs neither. The model runs whole, and each
 * replacement reads what the ones below it have left: a coder encodes, and a skip connection
 * multiplies, the input as it then is. Words see the tokens and nothing else, as ever.
 */
public final class LayersTogether {
  private static final List<String> BASELINES =
      List.of(
          RewriteResult.TRANSCODER,
          RewriteResult.ZERO_LATENTS,
          RewriteResult.MEAN_OUTPUT,
          RewriteResult.MEAN_LATENTS);

  private final List<RewriteInputs> layers;
  private final RewriteConfig config;
  private final String calibration;
  private final List<Combination> combinations = new ArrayList<>();
  private final List<Map<String, Replacements.Recipe>> recipes = new ArrayList<>();
  private final LossTable table;

  /** Which layers are replaced, and by what. */
  private record Combination(List<Integer> layers, String by) {}

  private LayersTogether(List<RewriteInputs> layers, RewriteConfig config, String calibration) {
    this.layers = layers;
    this.config = config;
    this.calibration = calibration;
    for (List<Integer> set : sets(layers.size())) {
      combinations.add(new Combination(set, TogetherResult.WORDS));
      BASELINES.forEach(name -> combinations.add(new Combination(set, name)));
    }
    for (RewriteInputs layer : layers) {
      Replacements replacements = new Replacements(layer, config.seed());
      Map<String, Replacements.Recipe> byName = new HashMap<>();
      byName.put(
          TogetherResult.WORDS,
          replacements.recipe(
              new Variant.Rewritten(
                  calibration,
                  new Variant.ChosenLatents(Selection.BEST, 1, layer.latents()),
                  false)));
      BASELINES.forEach(name -> byName.put(name, replacements.recipe(new Variant.Base(name))));
      recipes.add(byName);
    }
    table = new LossTable(combinations.size() + 1);
  }

  /** Each layer alone, then the lowest two and more. */
  private static List<List<Integer>> sets(int count) {
    List<List<Integer>> sets = new ArrayList<>();
    for (int layer = 0; layer < count; layer++) {
      sets.add(List.of(layer));
    }
    for (int most = 2; most <= count; most++) {
      List<Integer> lowest = new ArrayList<>();
      for (int layer = 0; layer < most; layer++) {
        lowest.add(layer);
      }
      sets.add(lowest);
    }
    return sets;
  }

  /**
   * Measures.
   *
   * @param layers of one model and one text, of different blocks, from the lowest up
   * @param config windows, seed and resamples; the grid of variants does not count
   * @param calibration of the rewrites, one that every layer has a predictor of
   * @throws UsageException where there are fewer than two layers
   */
  public static TogetherResult measure(
      List<RewriteInputs> layers, RewriteConfig config, String calibration, Progress progress) {
    if (layers.size() < 2) {
      throw new UsageException("layers together: expected two or more, found " + layers.size());
    }
    LayersTogether together = new LayersTogether(layers, config, calibration);
    together.run(progress);
    return together.result();
  }

  private void run(Progress progress) {
    RewriteInputs lowest = layers.get(0);
    WindowReader reader = new WindowReader(lowest.windows(), lowest.excluded(), config);
    SplicedModel model = new SplicedModel(lowest.model(), lowest.hookpoint(), lowest.transcode());
    int rows = Math.max(1, config.batchTokens() / config.contextTokens());
    Optional<WindowReader.Batch> next = reader.next(rows);
    while (next.isPresent()) {
      measure(next.get(), model);
      progress.advanced("measuring layers together", "windows", table.windows(), reader.windows());
      long left = reader.windows() - table.windows();
      next = reader.next((int) Math.min(rows, Math.max(0, left)));
    }
    if (table.windows() == 0) {
      throw new PalimpsestException(
          "layers together: no window of the evaluation text has a token to count");
    }
  }

  private void measure(WindowReader.Batch batch, SplicedModel model) {
    int[] counted = new int[batch.windows().size()];
    batch.rows().forEach(row -> counted[row.inBatch()]++);
    int first =
        table.append(
            counted,
            batch.windows().stream()
                .mapToLong(window -> layers.get(0).windows().document(window))
                .toArray());
    int[] windowOf = batch.rows().stream().mapToInt(row -> first + row.inBatch()).toArray();
    List<BatchGuesses> guesses = new ArrayList<>();
    layers.forEach(layer -> guesses.add(new BatchGuesses(batch)));
    try (SplicedModel.Batch spliced = model.run(batch.tokens(), batch.flatPositions());
        CleanPredictions clean = spliced.predictions(batch.targets())) {
      clean.own((row, ce, kl) -> table.add(0, windowOf[row], ce, kl));
      for (int c = 0; c < combinations.size(); c++) {
        int variant = c + 1;
        Map<String, Splice> splices = new LinkedHashMap<>();
        for (int layer : combinations.get(c).layers()) {
          splices.put(
              layers.get(layer).hookpoint(),
              splice(layer, combinations.get(c).by(), batch, guesses.get(layer)));
        }
        spliced.losses(splices, clean, (row, ce, kl) -> table.add(variant, windowOf[row], ce, kl));
      }
    }
  }

  /** What takes the place of a layer's output at the patched positions. */
  private Splice splice(int layer, String by, WindowReader.Batch batch, BatchGuesses guesses) {
    RewriteInputs inputs = layers.get(layer);
    Replacements.Recipe recipe = Objects.requireNonNull(recipes.get(layer).get(by));
    long[] positions = Arrays.stream(batch.flatPositions()).asLongStream().toArray();
    return (in, out) -> {
      Tensor replaced = Tensors.lend(inputs.model().device().of(positions, positions.length));
      Tensor x = SplicedModel.rows((inputs.transcode() ? in : out).contiguous(), replaced);
      Tensor result = out.contiguous().clone();
      try (PointerScope scope = new PointerScope();
          Tensor put = recipe.make(new BatchLatents(batch, x, inputs.coder(), guesses))) {
        result.view(-1, result.size(-1)).index_copy_(0, replaced, put);
      }
      return result;
    };
  }

  private TogetherResult result() {
    Map<List<Integer>, LossStatistics> bySet = new LinkedHashMap<>();
    List<TogetherResult.Row> rows = new ArrayList<>();
    for (int c = 0; c < combinations.size(); c++) {
      Combination combination = combinations.get(c);
      LossStatistics statistics = bySet.computeIfAbsent(combination.layers(), this::statistics);
      int index = c + 1;
      rows.add(
          new TogetherResult.Row(
              combination.layers().stream().map(layer -> layers.get(layer).hookpoint()).toList(),
              combination.by(),
              statistics.ce(index),
              statistics.deltaMean(index),
              statistics.deltaInterval(index),
              statistics.kl(index),
              statistics.lossRecovered(index),
              statistics.lossRecoveredInterval(index)));
    }
    LossStatistics any = bySet.values().iterator().next();
    return new TogetherResult(
        layers.stream().map(RewriteInputs::hookpoint).toList(),
        calibration,
        table.windows(),
        any.documents(),
        table.totalTokens(),
        any.ce(0),
        rows);
  }

  /** From the floor and to the true coders of one set of layers. */
  private LossStatistics statistics(List<Integer> set) {
    return new LossStatistics(
        table,
        0,
        1 + combinations.indexOf(new Combination(set, RewriteResult.ZERO_LATENTS)),
        1 + combinations.indexOf(new Combination(set, RewriteResult.TRANSCODER)),
        config.resamples(),
        config.seed());
  }
}
