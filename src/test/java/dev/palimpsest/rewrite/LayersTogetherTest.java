package dev.palimpsest.rewrite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.palimpsest.base.Progress;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.model.Forward;
import dev.palimpsest.model.HookPlan;
import dev.palimpsest.model.TokenBatch;
import dev.palimpsest.results.Protocol;
import dev.palimpsest.results.RewriteConfig;
import dev.palimpsest.results.RewriteResult;
import dev.palimpsest.results.TogetherResult;
import dev.palimpsest.tensor.Tensors;
import dev.palimpsest.text.TokenWindows;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class LayersTogetherTest {
  private static final int CONTEXT = 12;
  private static final String LOW = "layers.0.mlp";
  private static final String HIGH = "layers.1.mlp";

  private final TokenWindows text = RewriteFixture.text(6, CONTEXT + 1, 3);
  private final String calibration = RewriteFixture.predictors().keySet().iterator().next();
  private final RewriteConfig config =
      RewriteFixture.config(Protocol.ALL_TOKENS, CONTEXT, List.of(calibration));

  private RewriteInputs inputs(RewriteFixture fixture) {
    return fixture.inputs(text, RewriteFixture.predictors(), Optional.empty());
  }

  private static double ce(TogetherResult result, List<String> replaced, String by) {
    return result.rows().stream()
        .filter(row -> row.replaced().equals(replaced) && row.by().equals(by))
        .findFirst()
        .orElseThrow()
        .ce()
        .orElseThrow();
  }

  @Test
  void aLayerAloneIsTheUsualRewriteAndTwoAreSplicedOneAfterTheOther() {
    try (RewriteFixture low = new RewriteFixture("llama", LOW, true, true);
        RewriteFixture high = new RewriteFixture("llama", HIGH, true, true)) {
      TogetherResult result =
          LayersTogether.measure(
              List.of(inputs(low), inputs(high)), config, calibration, Progress.SILENT);
      assertThat(result.hookpoints()).containsExactly(LOW, HIGH);
      for (RewriteFixture one : List.of(low, high)) {
        RewriteResult alone = RewriteEvaluator.evaluate(inputs(one), config, Progress.SILENT);
        assertThat(ce(result, List.of(one.hookpoint), TogetherResult.WORDS))
            .isCloseTo(
                alone.rewrites().stream()
                    .filter(row -> row.fraction() == 1 && !row.reselect())
                    .findFirst()
                    .orElseThrow()
                    .ce()
                    .orElseThrow(),
                within(2e-5));
        for (String name :
            List.of(
                RewriteResult.TRANSCODER,
                RewriteResult.ZERO_LATENTS,
                RewriteResult.MEAN_OUTPUT,
                RewriteResult.MEAN_LATENTS)) {
          assertThat(ce(result, List.of(one.hookpoint), name))
              .as(name)
              .isCloseTo(
                  Objects.requireNonNull(alone.baselines().get(name)).ce().orElseThrow(),
                  within(2e-5));
        }
      }
      assertThat(ce(result, List.of(LOW, HIGH), RewriteResult.ZERO_LATENTS))
          .isCloseTo(bothWithoutLatents(low, high), within(2e-5));
      assertThat(result.rows()).hasSize(3 * 5);
      assertThatThrownBy(
              () ->
                  LayersTogether.measure(
                      List.of(inputs(low)), config, calibration, Progress.SILENT))
          .isInstanceOf(UsageException.class);
    }
  }

  /**
   * The mean loss with both layers' outputs b_dec + W_skip x, x being what the layer then reads.
   */
  private double bothWithoutLatents(RewriteFixture low, RewriteFixture high) {
    double sum = 0;
    int count = 0;
    for (int w = 0; w < text.size(); w++) {
      int[] window = new int[CONTEXT + 1];
      text.read(w, window, 0);
      int[] context = Arrays.copyOf(window, CONTEXT);
      BruteForce truth = new BruteForce(low);
      int[] patched = truth.patched(window, Protocol.ALL_TOKENS);
      HookPlan plan = new HookPlan();
      for (RewriteFixture layer : List.of(low, high)) {
        BruteForce own = new BruteForce(layer);
        plan.splice(
            layer.hookpoint,
            (in, out) -> {
              int width = (int) out.size(2);
              float[] x = Tensors.toArray(in);
              float[] values = Tensors.toArray(out);
              for (int t : patched) {
                double[] row =
                    own.decode(
                        new double[RewriteFixture.M],
                        Arrays.copyOfRange(x, t * width, (t + 1) * width));
                for (int k = 0; k < width; k++) {
                  values[t * width + k] = (float) row[k];
                }
              }
              return Tensors.of(values, 1, CONTEXT, width);
            });
      }
      try (Forward forward = low.model.forward(TokenBatch.of(context), plan)) {
        float[] logits = Tensors.toArray(forward.logits());
        int vocabulary = logits.length / CONTEXT;
        for (int t : patched) {
          double total = 0;
          for (int v = 0; v < vocabulary; v++) {
            total += Math.exp(logits[t * vocabulary + v]);
          }
          sum += Math.log(total) - logits[t * vocabulary + window[t + 1]];
          count++;
        }
      }
    }
    return sum / count;
  }
}
