package dev.palimpsest.activations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.model.Forward;
import dev.palimpsest.model.HookPlan;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.model.TokenBatch;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Tensors;
import dev.palimpsest.text.ExcludedTokens;
import java.util.List;
import java.util.SplittableRandom;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Rows of hooks: the model's own inputs and outputs, without the excluded positions and the
 * surplus.
 */
class HookedActivationsTest {
  private static final List<Hook> HOOKS =
      List.of(new Hook("layers.1.mlp", true), new Hook("layers.2", false));

  @SuppressWarnings("NullAway.Init")
  private static LanguageModel model;

  @BeforeAll
  static void load() {
    model = LanguageModel.load(ModelSource.resolve(ModelSource.EMBEDDED));
  }

  @AfterAll
  static void close() {
    model.close();
  }

  private static TokenBatch batch(SplittableRandom random, int rows, int length) {
    int[] ids = random.ints((long) rows * length, 0, model.config().vocabularySize()).toArray();
    for (int i = 0; i < rows * length / 9; i++) {
      ids[random.nextInt(ids.length)] = 0;
    }
    return new TokenBatch(rows, length, ids);
  }

  private static float[] rows(FloatPointer pointer, int count) {
    float[] copy = new float[count];
    pointer.get(copy, 0, count);
    return copy;
  }

  @Test
  void rowsAreTheModelsOwn() {
    int width = model.config().width();
    try (HookedActivations activations =
        new HookedActivations(model, HOOKS, ExcludedTokens.of(0), 200)) {
      for (long seed = 0; seed < 4; seed++) {
        TokenBatch batch = batch(new SplittableRandom(seed), 5, 40);
        int limit = seed % 2 == 0 ? 200 : 177;
        int n = activations.run(batch, limit);
        float[] x = rows(activations.x(0), n * width);
        float[] y = rows(activations.y(0), n * width);
        float[] residual = rows(activations.y(1), n * width);
        assertThat(activations.x(1).address()).isEqualTo(activations.y(1).address());

        HookPlan plan = new HookPlan().logits(false).tapInput("layers.1.mlp");
        plan.tapOutput("layers.1.mlp").tapOutput("layers.2");
        try (Forward forward = model.forward(batch, plan)) {
          float[] input = Tensors.toArray(forward.input("layers.1.mlp"));
          float[] output = Tensors.toArray(forward.output("layers.1.mlp"));
          float[] layer = Tensors.toArray(forward.output("layers.2"));
          int row = 0;
          for (int place = 0; place < limit; place++) {
            if (batch.ids()[place] == 0) {
              continue;
            }
            assertThat(activations.kept().position(row)).isEqualTo(place);
            for (int i = 0; i < width; i++) {
              assertThat(x[row * width + i]).isEqualTo(input[place * width + i]);
              assertThat(y[row * width + i]).isEqualTo(output[place * width + i]);
              assertThat(residual[row * width + i]).isEqualTo(layer[place * width + i]);
            }
            row++;
          }
          assertThat(n).as("seed %d", seed).isEqualTo(row).isLessThan(limit);
        }
      }
    }
  }

  @Test
  void scatterPutsRowsBack() {
    TokenBatch batch = batch(new SplittableRandom(9), 3, 50);
    KeptPositions kept = new KeptPositions(ExcludedTokens.of(0), Device.cpu());
    int n = kept.select(batch);
    float[] values = new float[150 * 4];
    for (int i = 0; i < values.length; i++) {
      values[i] = i;
    }
    try (kept;
        Tensor source = Tensors.of(values, 3, 50, 4);
        FloatPointer dense = new FloatPointer(n * 4L);
        Tensor target = Tensors.of(new float[values.length], 3, 50, 4)) {
      kept.gather(source, dense);
      kept.scatter(dense, target);
      float[] back = Tensors.toArray(target);
      for (int i = 0; i < values.length; i++) {
        assertThat(back[i]).isEqualTo(batch.ids()[i / 4] == 0 ? 0 : values[i]);
      }
    }
  }

  @Test
  void unknownHookpointIsNamed() {
    assertThatThrownBy(
            () ->
                new HookedActivations(
                    model, List.of(new Hook("layers.9.mlp", true)), ExcludedTokens.none(), 10))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("layers.9.mlp");
  }
}
