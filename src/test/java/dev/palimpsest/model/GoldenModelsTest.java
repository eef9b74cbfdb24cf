package dev.palimpsest.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.safetensors.SafeTensors;
import dev.palimpsest.tensor.Tensors;
import java.nio.file.Path;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every family against logits, losses and hookpoints computed by transformers in double precision.
 */
class GoldenModelsTest {
  private static final double TOLERANCE = 2e-5;

  @ParameterizedTest
  @ValueSource(
      strings = {"gpt_neox", "gpt2", "llama", "llama_rope3", "qwen2", "qwen3", "gemma2", "mistral"})
  void agreesWithTransformers(String name) {
    Path folder = TestModels.golden(name);
    try (LanguageModel model = LanguageModel.load(folder);
        SafeTensors reference = SafeTensors.open(folder.resolve("reference.safetensors"))) {
      TokenBatch batch = TestModels.inputIds(reference);
      HookPlan plan = new HookPlan();
      for (String tensor : reference.names()) {
        if (tensor.endsWith(".input")) {
          plan.tapInput(tensor.substring(0, tensor.length() - ".input".length()));
        } else if (tensor.endsWith(".output")) {
          plan.tapOutput(tensor.substring(0, tensor.length() - ".output".length()));
        }
      }
      try (Forward forward = model.forward(batch, plan);
          Tensor loss = LanguageModel.tokenLoss(forward.logits(), batch)) {
        for (String tensor : reference.names()) {
          if (tensor.equals("input_ids")) {
            continue;
          }
          Tensor found =
              switch (tensor) {
                case "logits" -> forward.logits();
                case "token_loss" -> loss;
                default ->
                    tensor.endsWith(".input")
                        ? forward.input(tensor.substring(0, tensor.length() - 6))
                        : forward.output(tensor.substring(0, tensor.length() - 7));
              };
          assertThat(found.shape()).as(tensor).containsExactly(reference.info(tensor).shape());
          assertThat(largestDifference(Tensors.toArray(found), reference.floats(tensor)))
              .as(tensor)
              .isLessThan(TOLERANCE);
        }
        assertThat(reference.names()).hasSizeGreaterThan(15);
      }
    }
  }

  static double largestDifference(float[] found, float[] expected) {
    double largest = 0;
    for (int i = 0; i < expected.length; i++) {
      double difference = Math.abs(found[i] - expected[i]);
      largest = difference > largest || Double.isNaN(difference) ? difference : largest;
    }
    return largest;
  }
}
