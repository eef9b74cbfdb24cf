package dev.palimpsest.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.tensor.Tensors;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class TokenEffectsTest {
  @Test
  void areTheUnembeddingTimesTheDirection() {
    try (LanguageModel model = LanguageModel.load(TestModels.golden("gpt_neox"))) {
      int width = model.config().width();
      float[] direction = new float[width];
      Random random = new Random(5);
      for (int i = 0; i < width; i++) {
        direction[i] = (float) random.nextGaussian();
      }
      TokenEffects effects = TokenEffects.of(model, direction, 5);
      float[] head = Tensors.toArray(model.unembedding());
      int vocabulary = head.length / width;
      double[] logits = new double[vocabulary];
      double mean = 0;
      for (int token = 0; token < vocabulary; token++) {
        for (int i = 0; i < width; i++) {
          logits[token] += (double) head[token * width + i] * direction[i];
        }
        mean += logits[token] / vocabulary;
      }
      assertThat(effects.promoted())
          .hasSize(5)
          .isSortedAccordingTo((a, b) -> Float.compare(b.logit(), a.logit()));
      assertThat(effects.demoted())
          .hasSize(5)
          .isSortedAccordingTo((a, b) -> Float.compare(a.logit(), b.logit()));
      for (TokenEffects.Effect effect : effects.promoted()) {
        assertThat((double) effect.logit())
            .isCloseTo(logits[effect.token()] - mean, Offset.offset(1e-4));
      }
      double top = effects.promoted().get(4).logit() + mean;
      double bottom = effects.demoted().get(4).logit() + mean;
      assertThat(java.util.Arrays.stream(logits).filter(l -> l > top + 1e-5).count()).isLessThan(5);
      assertThat(java.util.Arrays.stream(logits).filter(l -> l < bottom - 1e-5).count())
          .isLessThan(5);
      assertThatThrownBy(() -> TokenEffects.of(model, new float[width + 1], 5))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
