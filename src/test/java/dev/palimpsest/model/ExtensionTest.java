package dev.palimpsest.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Passes that go on from cached tokens, against passes over whole sequences. */
class ExtensionTest {
  private static final int LENGTH = 40;

  /** Capped scores are libtorch's, whose sums depend on what is multiplied together. */
  private static double bound(LanguageModel model) {
    return model.config().attentionSoftcap().isPresent() ? 1e-5 : 0;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"gpt_neox", "gpt2", "llama", "llama_rope3", "qwen2", "qwen3", "gemma2", "mistral"})
  void sequencesInPiecesGiveWhatTheyGiveWhole(String family) {
    Random random = new Random(family.hashCode());
    try (LanguageModel model = LanguageModel.load(TestModels.golden(family))) {
      int[][] sequences = new int[3][];
      for (int s = 0; s < sequences.length; s++) {
        sequences[s] = random.ints(LENGTH - 7 * s, 0, 101).toArray();
        System.arraycopy(sequences[0], 0, sequences[s], 0, 11);
      }
      float[][] expected =
          Arrays.stream(sequences).map(ids -> wholeLogits(model, ids)).toArray(float[][]::new);
      try (CachedRun shared = model.run(11)) {
        // The eleven tokens that all begin with, in two passes.
        extend(model, List.of(new Extension(List.of(), shared, part(sequences[0], 0, 4))));
        extend(model, List.of(new Extension(List.of(), shared, part(sequences[0], 4, 11))));
        List<CachedRun> own = new ArrayList<>();
        int[] done = {11, 11, 11};
        Arrays.stream(sequences).forEach(ids -> own.add(model.run(ids.length - 11)));
        while (true) {
          List<Extension> extensions = new ArrayList<>();
          List<Integer> places = new ArrayList<>();
          for (int s = 0; s < sequences.length; s++) {
            int left = sequences[s].length - done[s];
            if (left > 0) {
              int to = done[s] + 1 + random.nextInt(Math.min(left, 20));
              extensions.add(
                  new Extension(List.of(shared), own.get(s), part(sequences[s], done[s], to)));
              for (; done[s] < to; done[s]++) {
                places.add(s);
              }
            }
          }
          if (extensions.isEmpty()) {
            break;
          }
          float[] found = extend(model, extensions);
          int[] row = new int[3];
          for (int n = 0; n < places.size(); n++) {
            int s = places.get(n);
            int first = done[s] - (int) places.stream().filter(place -> place == s).count();
            float[] whole =
                Arrays.copyOfRange(expected[s], (first + row[s]) * 101, (first + row[s] + 1) * 101);
            float[] here = Arrays.copyOfRange(found, n * 101, (n + 1) * 101);
            row[s]++;
            if (bound(model) == 0) {
              assertThat(here).as("token %d of sequence %d", first, s).isEqualTo(whole);
            } else {
              assertThat(GoldenModelsTest.largestDifference(here, whole)).isLessThan(bound(model));
            }
          }
        }
        own.forEach(CachedRun::close);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"gpt_neox", "gpt2", "llama", "llama_rope3", "qwen2", "qwen3", "gemma2", "mistral"})
  void logitsAfterSomeSequencesAreThoseOfTheWhole(String family) {
    Random random = new Random(family.hashCode());
    try (LanguageModel model = LanguageModel.load(TestModels.golden(family));
        CachedRun shared = model.run(11);
        CachedRun first = model.run(25);
        CachedRun second = model.run(16);
        CachedRun third = model.run(20)) {
      int[] all = random.ints(60, 0, 101).toArray();
      int[] beginning = part(all, 0, 11);
      extend(model, List.of(new Extension(List.of(), shared, beginning)));
      int[][] own = {part(all, 11, 36), part(all, 30, 31), part(all, 40, 60)};
      List<Extension> extensions =
          List.of(
              new Extension(List.of(shared), first, own[0]),
              new Extension(List.of(shared), second, own[1]),
              new Extension(List.of(shared), third, own[2]));
      float[] found;
      try (Tensor logits = model.extendForLogits(extensions, new int[] {0, 2})) {
        found = Tensors.toArray(logits);
      }
      // What was not wanted has its keys and values all the same.
      float[] next;
      int[] after = part(all, 31, 46);
      try (Tensor logits =
          model.extendForLogits(
              List.of(new Extension(List.of(shared), second, after)), new int[] {0})) {
        next = Tensors.toArray(logits);
      }
      compare(model, Arrays.copyOfRange(found, 0, 101), joined(beginning, own[0]));
      compare(model, Arrays.copyOfRange(found, 101, 202), joined(beginning, own[2]));
      compare(model, next, joined(beginning, own[1], after));
    }
  }

  private static void compare(LanguageModel model, float[] found, int[] sequence) {
    float[] whole = wholeLogits(model, sequence);
    float[] last = Arrays.copyOfRange(whole, whole.length - 101, whole.length);
    if (bound(model) == 0) {
      assertThat(found).isEqualTo(last);
    } else {
      assertThat(GoldenModelsTest.largestDifference(found, last)).isLessThan(bound(model));
    }
  }

  private static int[] joined(int[]... parts) {
    return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
  }

  @Test
  void aSequenceBeyondTheLearnedPositionsIsRefused() {
    try (LanguageModel model = LanguageModel.load(TestModels.golden("gpt2"));
        CachedRun run = model.run(65)) {
      extend(model, List.of(new Extension(List.of(), run, new int[60])));
      assertThatThrownBy(() -> extend(model, List.of(new Extension(List.of(), run, new int[5]))))
          .isInstanceOf(UsageException.class)
          .hasMessageContaining("65 tokens: this model has 64 positions");
      assertThat(run.length()).isEqualTo(60);
      assertThatThrownBy(() -> new Extension(List.of(), run, new int[6]))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  private static int[] part(int[] ids, int from, int to) {
    return Arrays.copyOfRange(ids, from, to);
  }

  private static float[] wholeLogits(LanguageModel model, int[] ids) {
    try (Forward forward = model.forward(TokenBatch.of(ids), new HookPlan())) {
      return Tensors.toArray(forward.logits());
    }
  }

  private static float[] extend(LanguageModel model, List<Extension> extensions) {
    String last = model.layerHookpoint(model.config().layers() - 1);
    try (Forward forward = model.extend(extensions, new HookPlan().tapOutput(last).logits(false));
        Tensor logits = model.logits(forward.output(last).squeeze(0))) {
      return Tensors.toArray(logits);
    }
  }
}
