package dev.palimpsest.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.safetensors.ShardedSafeTensors;
import dev.palimpsest.safetensors.TensorReader;
import java.nio.file.Path;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShuffledWeightsTest {
  private static final Path MODEL = Path.of("src/test/resources/golden/models/llama");

  @TempDir private Path folder;

  @Test
  void everyTensorKeepsItsNumbersButNotTheirPlaces() {
    Path target = folder.resolve("shuffled");
    ShuffledWeights.write(MODEL, target, 3);
    int moved = 0;
    try (TensorReader before = ShardedSafeTensors.openCheckpoint(MODEL);
        TensorReader after = ShardedSafeTensors.openCheckpoint(target)) {
      assertThat(after.names()).isEqualTo(before.names());
      for (String name : before.names()) {
        float[] old = before.floats(name);
        float[] dealt = after.floats(name);
        assertThat(after.info(name).shape()).isEqualTo(before.info(name).shape());
        moved += Arrays.equals(old, dealt) ? 0 : 1;
        Arrays.sort(old);
        Arrays.sort(dealt);
        assertThat(dealt).as(name).isEqualTo(old);
      }
      assertThat(moved).isGreaterThan(before.names().size() / 2);
    }
    try (LanguageModel usual = LanguageModel.load(MODEL);
        LanguageModel shuffled = LanguageModel.load(target);
        Forward one = usual.forward(TokenBatch.of(1, 2, 5), new HookPlan());
        Forward other = shuffled.forward(TokenBatch.of(1, 2, 5), new HookPlan());
        Tensor difference = one.logits().sub(other.logits())) {
      assertThat(difference.abs().max().item_float()).isGreaterThan(1e-3f);
    }
    Path again = folder.resolve("again");
    ShuffledWeights.write(MODEL, again, 3);
    assertThat(again.resolve(ShardedSafeTensors.SINGLE_FILE))
        .hasSameBinaryContentAs(target.resolve(ShardedSafeTensors.SINGLE_FILE));
  }
}
