package dev.palimpsest.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Precision;
import dev.palimpsest.tensor.Tensors;
import dev.palimpsest.tensor.TestDevices;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Models whose dense layers compute in bf16. */
@Timeout(120)
class PrecisionTest {
  private static final int LENGTH = 24;

  private static TokenBatch batch(int rows) {
    return new TokenBatch(rows, LENGTH, new Random(3).ints((long) rows * LENGTH, 0, 101).toArray());
  }

  private static float[] logits(LanguageModel model, TokenBatch batch) {
    try (Forward forward = model.forward(batch, new HookPlan().logits(true))) {
      return Tensors.toArray(forward.logits());
    }
  }

  /**
   * Rounding to 8 bits changes a number by at most 2⁻⁹ of itself, and each dense layer's result by
   * about as much of its size, at random; these models have a few such layers one after the other.
   */
  @ParameterizedTest
  @ValueSource(
      strings = {"gpt_neox", "gpt2", "llama", "llama_rope3", "qwen2", "qwen3", "gemma2", "mistral"})
  void logitsAreThoseOfFp32ToRounding(String family) {
    TokenBatch batch = batch(3);
    try (LanguageModel exact = LanguageModel.load(TestModels.golden(family));
        LanguageModel rounded =
            LanguageModel.load(TestModels.golden(family), Device.cpu(), Precision.BF16)) {
      assertThat(rounded.precision()).isEqualTo(Precision.BF16);
      float[] expected = logits(exact, batch);
      float[] found = logits(rounded, batch);
      assertThat(relative(expected, found)).isBetween(1e-5, Math.scalb(1.0, -6));
    }
  }

  /** The head is held once, packed; whoever asks for it gets what the file has. */
  @ParameterizedTest
  @ValueSource(strings = {"gpt_neox", "gpt2", "llama", "qwen2"})
  void theUnembeddingComesBackFromItsPackedForm(String family) {
    for (Precision precision : Precision.values()) {
      try (LanguageModel before =
              LanguageModel.load(TestModels.golden(family), Device.cpu(), precision);
          LanguageModel after =
              LanguageModel.load(TestModels.golden(family), Device.cpu(), precision)) {
        float[] expected = Tensors.toArray(before.unembedding());
        float[] logits = logits(after, batch(1));
        assertThat(Tensors.toArray(after.unembedding())).isEqualTo(expected);
        assertThat(logits(after, batch(1))).isEqualTo(logits);
        assertThat(logits(before, batch(1))).isEqualTo(logits);
      }
    }
  }

  /** Whatever runs beside it, on however many threads, with whatever instructions. */
  @ParameterizedTest
  @ValueSource(strings = {"gpt_neox", "gpt2", "llama", "gemma2"})
  void aRowsBitsAreItsOwn(String family) {
    CoderKernels kernels = CoderKernels.cpu();
    int threads = kernels.threads();
    TokenBatch batch = batch(5);
    List<float[]> results = new ArrayList<>();
    try (LanguageModel model =
        LanguageModel.load(TestModels.golden(family), Device.cpu(), Precision.BF16)) {
      for (String set : List.of("", "avx2", "portable")) {
        for (int count : new int[] {1, 3}) {
          kernels.setInstructionSet(set);
          kernels.setThreads(count);
          results.add(logits(model, batch));
          int[] last = Arrays.copyOfRange(batch.ids(), 4 * LENGTH, 5 * LENGTH);
          float[] alone = logits(model, new TokenBatch(1, LENGTH, last));
          float[] together = results.get(results.size() - 1);
          assertThat(alone)
              .isEqualTo(
                  Arrays.copyOfRange(together, together.length - alone.length, together.length));
        }
      }
    } finally {
      kernels.setInstructionSet("");
      kernels.setThreads(threads);
    }
    results.forEach(result -> assertThat(result).isEqualTo(results.get(0)));
  }

  /**
   * On another device libtorch's own layers do the same, but for the order of sums and a rounding.
   */
  @ParameterizedTest
  @ValueSource(
      strings = {"gpt_neox", "gpt2", "llama", "llama_rope3", "qwen2", "qwen3", "gemma2", "mistral"})
  void anotherDeviceAgrees(String family) {
    TokenBatch batch = batch(3);
    Device emulated = TestDevices.emulated(Precision.BF16);
    try (LanguageModel here =
            LanguageModel.load(TestModels.golden(family), Device.cpu(), Precision.BF16);
        LanguageModel there =
            LanguageModel.load(TestModels.golden(family), emulated, Precision.BF16)) {
      assertThat(relative(logits(here, batch), logits(there, batch)))
          .isBetween(1e-5, Math.scalb(1.0, -6));
    }
  }

  private static double relative(float[] expected, float[] found) {
    double error = 0;
    double size = 0;
    for (int i = 0; i < expected.length; i++) {
      double difference = found[i] - expected[i];
      error += difference * difference;
      size += (double) expected[i] * expected[i];
    }
    return Math.sqrt(error / size);
  }
}
