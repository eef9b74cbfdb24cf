package dev.palimpsest.rewrite;

import static dev.palimpsest.rewrite.RewriteFixture.K;
import static dev.palimpsest.rewrite.RewriteFixture.M;
import static dev.palimpsest.rewrite.RewriteFixture.SEED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Progress;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.evaluate.LossTable;
import dev.palimpsest.results.Protocol;
import dev.palimpsest.results.RewriteConfig;
import dev.palimpsest.results.RewriteResult;
import dev.palimpsest.simulate.LatentPredictor;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.TokenWindows;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Every variant of the evaluation against the brute-force one, and the identities that must hold
 * between variants.
 */
class RewriteEvaluatorTest {
  private static final int CONTEXT = 12;

  /** What stands in for the module's output at (what the untouched model did, position). */
  private interface Reference extends BiFunction<Window, Integer, double[]> {}

  private record Window(long index, List<Integer> tokens, BruteForce.Clean clean) {
    static Window read(TokenWindows text, long index, BruteForce truth) {
      List<Integer> tokens = Arrays.stream(text.read(index)).boxed().toList();
      Window blind = new Window(index, tokens, BruteForce.Clean.NONE);
      return new Window(index, tokens, truth.clean(blind.context()));
    }

    int[] context() {
      return tokens.stream().limit(tokens.size() - 1L).mapToInt(i -> i).toArray();
    }

    int[] window() {
      return tokens.stream().mapToInt(i -> i).toArray();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "gpt_neox, layers.1.mlp, true, true, ALL_TOKENS",
    "gpt_neox, layers.1.mlp, true, true, LAST_TOKEN",
    "gpt_neox, layers.1, false, false, ALL_TOKENS",
    "gpt_neox, layers.1, false, false, LAST_TOKEN",
    "gpt_neox, layers.2.mlp, true, false, ALL_TOKENS",
    "gpt_neox, gpt_neox.layers.0.attention, true, true, LAST_TOKEN",
    "llama, layers.0.mlp, true, true, ALL_TOKENS",
    "llama, layers.0.self_attn, false, false, ALL_TOKENS",
    "llama, layers.2, false, false, LAST_TOKEN",
    "gemma2, layers.1.mlp, true, true, ALL_TOKENS",
    "gemma2, layers.1.mlp, true, false, LAST_TOKEN",
    "gpt2, h.0.mlp, true, true, LAST_TOKEN"
  })
  void everyVariantAgreesWithBruteForce(
      String family, String hookpoint, boolean transcode, boolean skip, Protocol protocol) {
    try (RewriteFixture fixture = new RewriteFixture(family, hookpoint, transcode, skip)) {
      TokenWindows text = RewriteFixture.text(8, CONTEXT + 1, 3);
      Map<String, LatentPredictor> predictors = RewriteFixture.predictors();
      RewriteInputs inputs = fixture.inputs(text, predictors, RewriteFixture.shuffled());
      RewriteConfig config =
          RewriteFixture.config(protocol, CONTEXT, List.copyOf(predictors.keySet()));
      RewriteEvaluator.Evaluation found =
          RewriteEvaluator.evaluation(inputs, config, LossJournal.none(), Progress.SILENT);
      List<Variant> variants =
          Variant.all(config, M, java.util.Set.copyOf(Variant.SHUFFLED), List.of("echo"));
      assertThat(found.variants()).isEqualTo(variants.stream().map(Variant::name).toList());
      BruteForce truth = new BruteForce(fixture);
      List<Window> windows =
          LongStream.range(0, text.size()).mapToObj(w -> Window.read(text, w, truth)).toList();
      for (int v = 0; v < variants.size(); v++) {
        Reference reference = reference(fixture, inputs, truth, variants.get(v));
        compare(found, v, windows, protocol, truth, reference);
      }
      assertThat(found.windows()).hasSizeGreaterThan(5);
      assertThat(found.result().windows()).isEqualTo(found.windows().size());
      assertThat(found.result().documents())
          .isEqualTo((int) found.windows().stream().map(w -> w / 2).distinct().count());
      assertThat(found.result().rewrites()).hasSize(2 * 3 * 2 * 2);
      List<RewriteResult.Rewrite> rewrites = found.result().rewrites();
      RewriteResult result = found.result();
      String strongest = result.strongest().orElseThrow();
      assertThat(RewriteResult.TRIVIAL)
          .contains(strongest)
          .allSatisfy(
              name -> assertThat(ce(result, name)).isGreaterThanOrEqualTo(ce(result, strongest)));
      assertThat(Objects.requireNonNull(result.baselines().get(RewriteResult.MEAN_OUTPUT)).fve())
          .hasValue(0);
      assertThat(Objects.requireNonNull(result.baselines().get(RewriteResult.UNSPLICED)).fve())
          .hasValue(1);
      // All latents chosen at random are all latents: one test, not two.
      int different = rewrites.size() - 2 * 2;
      double least =
          rewrites.stream().mapToDouble(r -> r.pVsZeroSame().orElseThrow()).min().orElseThrow();
      assertThat(rewrites.stream().mapToDouble(r -> r.pVsZeroSameHolm().orElseThrow()).min())
          .hasValue(Math.min(1, different * least));
    }
  }

  private static void compare(
      RewriteEvaluator.Evaluation found,
      int variant,
      List<Window> windows,
      Protocol protocol,
      BruteForce truth,
      Reference reference) {
    LossTable table = found.table();
    int row = 0;
    for (Window window : windows) {
      int[] patched = truth.patched(window.window(), protocol);
      if (patched.length == 0) {
        assertThat(found.windows()).doesNotContain(window.index());
        continue;
      }
      assertThat(found.windows().get(row)).isEqualTo(window.index());
      assertThat(table.tokens()[row]).isEqualTo(patched.length);
      List<BruteForce.Loss> expected =
          truth.losses(window.window(), window.clean(), patched, t -> reference.apply(window, t));
      String name = found.variants().get(variant) + ", window " + window.index();
      assertThat(table.crossEntropy(variant)[row])
          .as(name)
          .isCloseTo(
              expected.stream().mapToDouble(BruteForce.Loss::ce).sum(),
              within(2e-5 * patched.length));
      assertThat(table.divergence(variant)[row])
          .as(name)
          .isCloseTo(
              expected.stream().mapToDouble(BruteForce.Loss::kl).sum(),
              within(2e-5 * patched.length));
      double squared = 0;
      for (int t : patched) {
        double[] put = reference.apply(window, t);
        for (int k = 0; k < put.length; k++) {
          squared += Math.pow(put[k] - window.clean().outputs()[t][k], 2);
        }
      }
      assertThat(table.squaredError(variant)[row])
          .as(name)
          .isCloseTo(squared, within(1e-4 * Math.max(1e-3, squared)));
      row++;
    }
    assertThat(table.windows()).isEqualTo(row);
  }

  /** Latents with the predictor's offsets of the chosen added. */
  private static double[] shifted(double[] latents, LatentPredictor predictor, boolean[] chosen) {
    double[] shifted = latents.clone();
    for (int i = 0; i < predictor.offsets().length; i++) {
      shifted[i] += chosen[i] ? predictor.offsets()[i] : 0;
    }
    return shifted;
  }

  private static Reference reference(
      RewriteFixture fixture, RewriteInputs inputs, BruteForce truth, Variant variant) {
    if (variant instanceof Variant.ZeroSame zero) {
      boolean[] chosen = chosen(zero.chosen());
      return (w, t) -> {
        double[] latents = w.clean().latents()[t].clone();
        for (int i = 0; i < M; i++) {
          latents[i] = chosen[i] ? 0 : latents[i];
        }
        return truth.decode(latents, w.clean().inputs()[t]);
      };
    }
    if (variant instanceof Variant.Rewritten rewritten) {
      boolean[] chosen = chosen(rewritten.chosen());
      LatentPredictor predictor =
          Objects.requireNonNull(RewriteFixture.predictors().get(rewritten.calibration()));
      return (w, t) -> {
        double[] latents = w.clean().latents()[t].clone();
        double[] guesses = truth.predicted(predictor, w.context())[t];
        for (int i = 0; i < M; i++) {
          latents[i] = chosen[i] ? guesses[i] : latents[i];
        }
        double[] kept = rewritten.reselect() ? BruteForce.reselect(latents, K) : latents;
        return truth.decode(shifted(kept, predictor, chosen), w.clean().inputs()[t]);
      };
    }
    if (variant instanceof Variant.WithoutWords) {
      return (w, t) -> {
        double[] output = truth.decode(new double[M], w.clean().inputs()[t]);
        output[0] += w.context()[t] / 50.0;
        output[1] += t == 0 ? -1 : w.context()[t - 1] / 50.0;
        output[2] += w.clean().inputs()[t][2] / 2;
        return output;
      };
    }
    return switch (variant.name()) {
      case RewriteResult.SHUFFLED_JOINT -> {
        LatentPredictor joint = inputs.shuffled().orElseThrow().joint().orElseThrow();
        boolean[] all = new boolean[M];
        java.util.Arrays.fill(all, true);
        yield (w, t) ->
            truth.decode(
                shifted(truth.predicted(joint, w.context())[t], joint, all), w.clean().inputs()[t]);
      }
      case RewriteResult.PARAPHRASED -> {
        LatentPredictor paraphrased = inputs.shuffled().orElseThrow().paraphrased().orElseThrow();
        boolean[] all = new boolean[M];
        java.util.Arrays.fill(all, true);
        yield (w, t) ->
            truth.decode(
                shifted(truth.predicted(paraphrased, w.context())[t], paraphrased, all),
                w.clean().inputs()[t]);
      }
      case RewriteResult.UNSPLICED -> (w, t) -> widened(w.clean().outputs()[t]);
      case RewriteResult.TRANSCODER ->
          (w, t) -> truth.decode(w.clean().latents()[t], w.clean().inputs()[t]);
      case RewriteResult.ZERO_LATENTS ->
          (w, t) -> truth.decode(new double[M], w.clean().inputs()[t]);
      case RewriteResult.ZERO_OUTPUT -> (w, t) -> new double[w.clean().outputs()[t].length];
      case RewriteResult.MEAN_OUTPUT -> {
        double[] mean = means(truth, fixture, false);
        yield (w, t) -> mean;
      }
      case RewriteResult.MEAN_LATENTS -> {
        double[] mean = means(truth, fixture, true);
        yield (w, t) -> truth.decode(mean, w.clean().inputs()[t]);
      }
      case RewriteResult.RANDOM_LATENTS ->
          (w, t) ->
              truth.decode(
                  BruteForce.scattered(w.clean().latents()[t], w.index() * CONTEXT + t),
                  w.clean().inputs()[t]);
      case RewriteResult.SHUFFLED_EXPLANATIONS ->
          (w, t) ->
              truth.decode(
                  truth.predicted(inputs.shuffled().orElseThrow().refitted(), w.context())[t],
                  w.clean().inputs()[t]);
      case RewriteResult.SHUFFLED_UNREFITTED ->
          (w, t) ->
              truth.decode(
                  truth.predicted(inputs.shuffled().orElseThrow().unrefitted(), w.context())[t],
                  w.clean().inputs()[t]);
      default -> throw new AssertionError(variant.name());
    };
  }

  /** Means over the fixture's calibration text, by a plain loop. */
  private static double[] means(BruteForce truth, RewriteFixture fixture, boolean ofLatents) {
    TokenWindows text = RewriteFixture.text(7, 10, 8);
    double[] sum = new double[ofLatents ? M : fixture.model.config().width()];
    int tokens = 0;
    for (long w = 0; w < text.size(); w++) {
      int[] window = text.read(w);
      BruteForce.Clean clean = truth.clean(window);
      for (int t = 0; t < window.length; t++) {
        if (window[t] != RewriteFixture.EXCLUDED) {
          double[] row = ofLatents ? clean.latents()[t] : widened(clean.outputs()[t]);
          Arrays.setAll(sum, i -> sum[i] + row[i]);
          tokens++;
        }
      }
    }
    int count = tokens;
    Arrays.setAll(sum, i -> sum[i] / count);
    return sum;
  }

  private static boolean[] chosen(Variant.ChosenLatents chosen) {
    int[] order = LatentSelection.order(chosen.selection(), RewriteFixture::score, M, SEED);
    boolean[] members = new boolean[M];
    for (int i = 0; i < Math.max(1, Math.round(chosen.fraction() * M)); i++) {
      members[order[i]] = true;
    }
    return members;
  }

  private static double[] widened(float[] values) {
    double[] wide = new double[values.length];
    Arrays.setAll(wide, i -> values[i]);
    return wide;
  }

  @Test
  void perfectPredictionsEqualTheTranscoder() {
    try (RewriteFixture fixture = new RewriteFixture("gpt_neox", "layers.1.mlp", true, true)) {
      RewriteResult result =
          evaluate(fixture, Map.of("oracle", fixture.oracle()), Protocol.ALL_TOKENS);
      double coder = ce(result, RewriteResult.TRANSCODER);
      assertThat(Math.abs(coder - ce(result, RewriteResult.ZERO_LATENTS))).isGreaterThan(1e-3);
      for (RewriteResult.Rewrite rewrite : result.rewrites()) {
        assertThat(rewrite.ce().orElseThrow()).isCloseTo(coder, within(1e-5));
      }
    }
  }

  @Test
  void silenceEqualsZeroedLatents() {
    try (RewriteFixture fixture = new RewriteFixture("gpt_neox", "layers.1.mlp", true, true)) {
      RewriteResult result =
          evaluate(fixture, Map.of("silent", RewriteFixture.silence()), Protocol.LAST_TOKEN);
      for (RewriteResult.Rewrite rewrite : result.rewrites()) {
        assertThat(rewrite.ce()).isEqualTo(rewrite.ceZeroSame());
        assertThat(rewrite.pVsZeroSame()).hasValue(1);
        if (rewrite.fraction() == 1) {
          assertThat(rewrite.ce()).hasValue(ce(result, RewriteResult.ZERO_LATENTS));
        }
      }
    }
  }

  @Test
  void aCoderThatChangesNothingLosesNothing() {
    try (RewriteFixture fixture = new RewriteFixture("gpt_neox", "layers.1", false, false);
        IdentityCoder identity = new IdentityCoder(fixture.model.config().width())) {
      RewriteInputs inputs =
          new RewriteInputs(
              fixture.model,
              identity.coder(),
              fixture.hookpoint,
              fixture.transcode,
              RewriteFixture.text(5, CONTEXT + 1, 4),
              RewriteFixture.measure(
                  fixture.model,
                  identity.coder(),
                  fixture.hookpoint,
                  fixture.transcode,
                  RewriteFixture.text(2, 10, 8),
                  fixture.excluded),
              Map.of(),
              Optional.empty(),
              Map.of(),
              i -> 0,
              fixture.excluded);
      RewriteResult result =
          RewriteEvaluator.evaluate(
              inputs,
              RewriteFixture.config(Protocol.ALL_TOKENS, CONTEXT, List.of()),
              Progress.SILENT);
      RewriteResult.Baseline coder =
          Objects.requireNonNull(result.baselines().get(RewriteResult.TRANSCODER));
      assertThat(coder.ceDeltaMean().orElseThrow()).isCloseTo(0, within(1e-6));
      assertThat(coder.kl().orElseThrow()).isCloseTo(0, within(1e-6));
      assertThat(ce(result, RewriteResult.ZERO_LATENTS))
          .isCloseTo(ce(result, RewriteResult.ZERO_OUTPUT), within(1e-6));
      assertThat(result.baselines())
          .containsEntry(RewriteResult.SHUFFLED_EXPLANATIONS, RewriteResult.Baseline.UNMEASURED);
    }
  }

  @Test
  void neitherBatchSizeNorRepetitionChangesResults() {
    try (RewriteFixture fixture = new RewriteFixture("gpt_neox", "layers.1.mlp", true, true)) {
      RewriteInputs inputs =
          fixture.inputs(
              RewriteFixture.text(9, CONTEXT + 1, 3),
              RewriteFixture.predictors(),
              Optional.empty());
      RewriteConfig config =
          RewriteFixture.config(Protocol.ALL_TOKENS, CONTEXT, List.of("quantile"))
              .withWindows(CONTEXT, 5);
      RewriteEvaluator.Evaluation once =
          RewriteEvaluator.evaluation(inputs, config, LossJournal.none(), Progress.SILENT);
      RewriteEvaluator.Evaluation again =
          RewriteEvaluator.evaluation(inputs, config, LossJournal.none(), Progress.SILENT);
      assertThat(again.result()).isEqualTo(once.result());
      RewriteEvaluator.Evaluation alone =
          RewriteEvaluator.evaluation(
              inputs, config.withRun(1, "test", SEED), LossJournal.none(), Progress.SILENT);
      assertThat(alone.windows()).isEqualTo(once.windows()).hasSize(5).doesNotHaveDuplicates();
      for (int v = 0; v < once.variants().size(); v++) {
        for (int w = 0; w < 5; w++) {
          assertThat(alone.table().crossEntropy(v)[w])
              .isCloseTo(once.table().crossEntropy(v)[w], within(1e-4));
        }
      }
      assertThat(
              RewriteEvaluator.evaluation(
                      inputs,
                      config.withRun(30, "test", SEED + 1),
                      LossJournal.none(),
                      Progress.SILENT)
                  .windows())
          .isNotEqualTo(once.windows());
    }
  }

  /** The all-tokens evaluation of some predictors. */
  private static RewriteEvaluator.Evaluation evaluation(
      RewriteFixture fixture, TokenWindows text, RewriteConfig config, LossJournal journal) {
    return RewriteEvaluator.evaluation(
        fixture.inputs(text, RewriteFixture.predictors(), RewriteFixture.shuffled()),
        config,
        journal,
        Progress.SILENT);
  }

  @Test
  void stopsAtALookWithAFairSample() {
    try (RewriteFixture fixture = new RewriteFixture("gpt_neox", "layers.1.mlp", true, true)) {
      TokenWindows text = RewriteFixture.text(150, CONTEXT + 1, 3);
      RewriteConfig config =
          RewriteFixture.config(
              Protocol.ALL_TOKENS, CONTEXT, List.of("quantile", "conditional-mean"));
      RewriteEvaluator.Evaluation early =
          evaluation(fixture, text, config.withUntilCi(5), LossJournal.none());
      assertThat(early.result().looks()).containsExactly(StoppingRule.FIRST_LOOK);
      assertThat(early.windows()).hasSize(StoppingRule.FIRST_LOOK).doesNotHaveDuplicates();
      assertThat(early.windows().stream().mapToLong(w -> w).max().orElseThrow())
          .isGreaterThan(StoppingRule.FIRST_LOOK);
      RewriteEvaluator.Evaluation never =
          evaluation(fixture, text, config.withUntilCi(1e-9), LossJournal.none());
      assertThat(never.result().looks()).containsExactly(64, 128);
      assertThat(never.windows()).hasSize(150);
    }
  }

  @Test
  void goesOnFromAJournalToTheSameBytes(@TempDir Path folder) {
    try (RewriteFixture fixture = new RewriteFixture("gpt_neox", "layers.1.mlp", true, true)) {
      TokenWindows text = RewriteFixture.text(20, CONTEXT + 1, 3);
      RewriteConfig config =
          RewriteFixture.config(
              Protocol.ALL_TOKENS, CONTEXT, List.of("quantile", "conditional-mean"));
      String whole = Json.pretty(evaluation(fixture, text, config, LossJournal.none()).result());
      Path file = folder.resolve("journal");
      // A process that dies after two batches.
      try (LossJournal journal = LossJournal.open(file, "same", Progress.SILENT)) {
        AtomicInteger batches = new AtomicInteger();
        assertThatThrownBy(
                () ->
                    RewriteEvaluator.evaluation(
                        fixture.inputs(
                            dying(text, batches),
                            RewriteFixture.predictors(),
                            RewriteFixture.shuffled()),
                        config,
                        journal,
                        Progress.SILENT))
            .isInstanceOf(IllegalStateException.class);
      }
      try (LossJournal journal = LossJournal.open(file, "same", Progress.SILENT)) {
        assertThat(Json.pretty(evaluation(fixture, text, config, journal).result()))
            .isEqualTo(whole);
      }
    }
  }

  /** Text that cannot be read beyond its eighth window. */
  private static TokenWindows dying(TokenWindows text, AtomicInteger read) {
    return new TokenWindows() {
      @Override
      public int contextLength() {
        return text.contextLength();
      }

      @Override
      public long size() {
        return text.size();
      }

      @Override
      public void read(long index, int[] into, int offset) {
        if (read.incrementAndGet() > 8) {
          throw new IllegalStateException("died");
        }
        text.read(index, into, offset);
      }

      @Override
      public long document(long index) {
        return text.document(index);
      }
    };
  }

  @Test
  void lossesThatAreNoNumbersAreNamed() {
    try (RewriteFixture fixture = new RewriteFixture("gpt_neox", "layers.1.mlp", true, true)) {
      LatentPredictor mad = RewriteFixture.constant(Float.MAX_VALUE);
      RewriteResult result =
          evaluate(
              fixture,
              Map.of("quantile", RewriteFixture.guesses(1), "conditional-mean", mad),
              Protocol.ALL_TOKENS,
              "quantile",
              "conditional-mean");
      assertThat(result.notFinite())
          .isNotEmpty()
          .allSatisfy(
              (variant, where) -> {
                assertThat(variant).startsWith("conditional-mean/");
                assertThat(where).isEqualTo("from the output of layers.1.mlp on");
              });
      assertThat(result.headline().orElseThrow().ce()).isEmpty();
      assertThat(result.rewrites())
          .filteredOn(row -> row.calibration().equals("quantile"))
          .allSatisfy(row -> assertThat(row.ce()).isPresent());
      assertThat(Json.line(result)).doesNotContain("NaN").doesNotContain("Infinity");
    }
  }

  @Test
  void aDeadCoderGivesADefinedTable() {
    try (RewriteFixture fixture = new RewriteFixture("gpt_neox", "layers.1.mlp", true, true)) {
      fixture.kill();
      RewriteResult result =
          evaluate(fixture, Map.of("silent", RewriteFixture.silence()), Protocol.ALL_TOKENS);
      double dead = ce(result, RewriteResult.TRANSCODER);
      assertThat(dead).isEqualTo(ce(result, RewriteResult.ZERO_LATENTS));
      assertThat(ce(result, RewriteResult.MEAN_LATENTS)).isEqualTo(dead);
      assertThat(ce(result, RewriteResult.RANDOM_LATENTS)).isEqualTo(dead);
      assertThat(result.notFinite()).isEmpty();
      assertThat(result.rewrites())
          .allSatisfy(
              row -> {
                assertThat(row.ce()).hasValue(dead);
                assertThat(row.lossRecovered()).isEmpty();
              });
    }
  }

  @Test
  void progressReachesItsEnd() {
    try (RewriteFixture fixture = new RewriteFixture("gpt_neox", "layers.1.mlp", true, true)) {
      long[] last = new long[2];
      RewriteEvaluator.evaluate(
          fixture.inputs(
              RewriteFixture.text(4, CONTEXT + 1, 3),
              RewriteFixture.predictors(),
              Optional.empty()),
          RewriteFixture.config(Protocol.ALL_TOKENS, CONTEXT, List.of("quantile")),
          (what, unit, done, total, note) -> {
            assertThat(done).isGreaterThanOrEqualTo(last[0]).isLessThanOrEqualTo(total);
            last[0] = done;
            last[1] = total;
          });
      assertThat(last[0]).isEqualTo(last[1]).isPositive();
    }
  }

  @Test
  void whatCannotBeMeasuredIsSaid() {
    try (RewriteFixture fixture = new RewriteFixture("gpt_neox", "layers.1.mlp", true, true)) {
      assertThatThrownBy(() -> evaluate(fixture, Map.of(), Protocol.ALL_TOKENS, "oracle"))
          .isInstanceOf(UsageException.class)
          .hasMessageContaining("there is no calibration 'oracle'");
      RewriteInputs inputs =
          fixture.inputs(RewriteFixture.text(3, 66, 3), Map.of(), Optional.empty());
      assertThatThrownBy(
              () ->
                  RewriteEvaluator.evaluate(
                      inputs,
                      RewriteFixture.config(Protocol.ALL_TOKENS, 65, List.of()),
                      Progress.SILENT))
          .isInstanceOf(UsageException.class)
          .hasMessageContaining("expected at most the model's 64");
      RewriteInputs empty =
          new RewriteInputs(
              fixture.model,
              fixture.coder,
              fixture.hookpoint,
              fixture.transcode,
              RewriteFixture.text(2, CONTEXT + 1, 3),
              fixture.means(),
              Map.of(),
              Optional.empty(),
              Map.of(),
              RewriteFixture::score,
              ExcludedTokens.of(IntStream.range(0, RewriteFixture.VOCABULARY).toArray()));
      assertThatThrownBy(
              () ->
                  RewriteEvaluator.evaluate(
                      empty,
                      RewriteFixture.config(Protocol.ALL_TOKENS, CONTEXT, List.of()),
                      Progress.SILENT))
          .isInstanceOf(PalimpsestException.class)
          .hasMessageContaining("no window");
    }
  }

  private static RewriteResult evaluate(
      RewriteFixture fixture, Map<String, LatentPredictor> predictors, Protocol protocol) {
    return evaluate(fixture, predictors, protocol, predictors.keySet().toArray(new String[0]));
  }

  private static RewriteResult evaluate(
      RewriteFixture fixture,
      Map<String, LatentPredictor> predictors,
      Protocol protocol,
      String... calibrations) {
    return RewriteEvaluator.evaluate(
        fixture.inputs(RewriteFixture.text(6, CONTEXT + 1, 4), predictors, Optional.empty()),
        RewriteFixture.config(protocol, CONTEXT, List.of(calibrations)),
        Progress.SILENT);
  }

  private static double ce(RewriteResult result, String baseline) {
    return Objects.requireNonNull(result.baselines().get(baseline)).ce().orElseThrow();
  }
}
