package dev.palimpsest.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.palimpsest.activations.Hook;
import dev.palimpsest.activations.HookedActivations;
import dev.palimpsest.base.Progress;
import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.model.Forward;
import dev.palimpsest.model.HookPlan;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.model.TokenBatch;
import dev.palimpsest.tensor.Tensors;
import dev.palimpsest.text.Corpus;
import dev.palimpsest.text.CorpusOptions;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.Split;
import dev.palimpsest.text.TokenWindows;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SAEBench's figures, against the long way round on the embedded model. */
class CoderEvaluationTest {
  private static final String HOOKPOINT = "layers.2.mlp";
  private static final int LENGTH = 64;
  private static final int WINDOWS = 5;

  @SuppressWarnings("NullAway.Init")
  private static LanguageModel model;

  @SuppressWarnings("NullAway.Init")
  private static TokenWindows windows;

  private static final ExcludedTokens EXCLUDED = ExcludedTokens.of(0);

  @BeforeAll
  static void load(@TempDir Path cache) {
    Path folder = ModelSource.resolve(ModelSource.EMBEDDED);
    model = LanguageModel.load(folder);
    Corpus corpus =
        Corpus.openFor(
            folder,
            model.config().vocabularySize(),
            List.of(ModelSource.EMBEDDED),
            0,
            cache,
            CorpusOptions.defaults());
    windows = corpus.windows(Split.CALIBRATE, LENGTH);
  }

  @AfterAll
  static void close() {
    model.close();
  }

  private static TokenBatch batch() {
    int[] ids = new int[WINDOWS * LENGTH];
    for (int i = 0; i < WINDOWS; i++) {
      windows.read(i, ids, i * LENGTH);
    }
    return new TokenBatch(WINDOWS, LENGTH, ids);
  }

  private static EvaluationResult evaluate(SparseCoder coder) {
    return CoderEvaluation.evaluate(
            model,
            List.of(new CoderEvaluation.Place(HOOKPOINT, coder)),
            windows,
            EXCLUDED,
            WINDOWS * LENGTH,
            true,
            Progress.SILENT)
        .get(0);
  }

  /** A new transcoder decodes to zero: its loss is that of the ablation. */
  @Test
  void zeroCoderScoresZero() {
    int width = model.config().width();
    try (SparseCoder coder =
        SparseCoder.initialise(CoderConfig.transcoder(width, 4 * width, 8, true), 1)) {
      EvaluationResult result = evaluate(coder);
      assertThat(result.ceLossWithSae()).isEqualTo(result.ceLossWithAblation());
      assertThat(result.ceLossScore()).isZero();
      assertThat(result.klDivScore().orElseThrow()).isZero();
      assertThat(result.klDivWithAblation().orElseThrow()).isPositive();
      assertThat(result.fvu()).isGreaterThanOrEqualTo(1);
      assertThat(result.l0()).isBetween(7.0, 8.0);
      assertThat(result.featureDensity().mean())
          .isCloseTo(result.l0() / (4 * width), within(1e-12));
    }
  }

  @Test
  void agreesWithTheLongWay() {
    int width = model.config().width();
    CoderConfig mlp = CoderConfig.transcoder(width, 4 * width, 16, false);
    try (SparseCoder coder = SparseCoder.initialise(mlp, 3)) {
      // Some decoder that is not zero: the first rows of the encoder, scaled down.
      float[] weights = new float[4 * width * width];
      coder.encoder().get(weights, 0, weights.length);
      for (int i = 0; i < weights.length; i++) {
        weights[i] *= 0.5f;
      }
      coder.decoder().put(weights, 0, weights.length);
      EvaluationResult result = evaluate(coder);

      TokenBatch batch = batch();
      int all = WINDOWS * LENGTH;
      try (HookedActivations rows =
              new HookedActivations(model, List.of(new Hook(HOOKPOINT, true)), EXCLUDED, all);
          SparseActivations latents = new SparseActivations(all, 16);
          FloatPointer decoded = new FloatPointer((long) all * width)) {
        int n = rows.run(batch);
        coder.encode(rows.x(0), n, latents);
        coder.decode(latents, rows.x(0), decoded);
        float[] target = new float[n * width];
        float[] output = new float[n * width];
        rows.y(0).get(target, 0, target.length);
        decoded.get(output, 0, output.length);
        assertThat(result.fvu()).isCloseTo(fvu(target, output, n, width), within(1e-6));
        assertThat(result.explainedVariance()).isEqualTo(1 - result.fvu());

        HookPlan plan =
            new HookPlan()
                .splice(
                    HOOKPOINT,
                    (input, own) -> {
                      float[] replaced = Tensors.toArray(own);
                      for (int i = 0; i < n; i++) {
                        int place = rows.kept().position(i) * width;
                        System.arraycopy(output, i * width, replaced, place, width);
                      }
                      return Tensors.of(replaced, own.shape());
                    });
        assertThat(result.ceLossWithSae()).isCloseTo(loss(batch, plan), within(1e-6));
        assertThat(result.ceLossWithoutSae()).isCloseTo(loss(batch, new HookPlan()), within(1e-6));
      }
    }
  }

  private static double fvu(float[] target, float[] output, int n, int width) {
    double residual = 0;
    double total = 0;
    for (int column = 0; column < width; column++) {
      double mean = 0;
      for (int row = 0; row < n; row++) {
        mean += target[row * width + column] / (double) n;
      }
      for (int row = 0; row < n; row++) {
        int place = row * width + column;
        residual += Math.pow(target[place] - (double) output[place], 2);
        total += Math.pow(target[place] - mean, 2);
      }
    }
    return residual / total;
  }

  private static double loss(TokenBatch batch, HookPlan plan) {
    try (Forward forward = model.forward(batch, plan);
        Tensor losses = LanguageModel.tokenLoss(forward.logits(), batch)) {
      float[] values = Tensors.toArray(losses);
      double sum = 0;
      int count = 0;
      for (int row = 0; row < batch.rows(); row++) {
        for (int t = 0; t < batch.length() - 1; t++) {
          if (batch.id(row, t) != 0) {
            sum += values[row * (batch.length() - 1) + t];
            count++;
          }
        }
      }
      return sum / count;
    }
  }
}
