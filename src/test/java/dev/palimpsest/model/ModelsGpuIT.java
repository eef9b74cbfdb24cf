package dev.palimpsest.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.safetensors.SafeTensors;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Precision;
import dev.palimpsest.tensor.Tensors;
import dev.palimpsest.tensor.TestDevices;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every family on the GPU against logits and losses computed by transformers. */
class ModelsGpuIT {
  private static final double TOLERANCE = 1e-4;

  @ParameterizedTest
  @ValueSource(
      strings = {"gpt_neox", "gpt2", "llama", "llama_rope3", "qwen2", "qwen3", "gemma2", "mistral"})
  void agreesWithTransformers(String name) {
    Device gpu = TestDevices.gpu(Precision.FP32);
    try (LanguageModel model = LanguageModel.load(TestModels.golden(name), gpu);
        SafeTensors reference =
            SafeTensors.open(TestModels.golden(name).resolve("reference.safetensors"))) {
      TokenBatch batch = TestModels.inputIds(reference);
      try (Forward forward = model.forward(batch, new HookPlan());
          Tensor loss = LanguageModel.tokenLoss(forward.logits(), batch)) {
        assertThat(
                GoldenModelsTest.largestDifference(
                    Tensors.toArray(forward.logits()), reference.floats("logits")))
            .isLessThan(TOLERANCE);
        assertThat(
                GoldenModelsTest.largestDifference(
                    Tensors.toArray(loss), reference.floats("token_loss")))
            .isLessThan(TOLERANCE);
      }
    }
  }
}
