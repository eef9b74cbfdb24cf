package dev.palimpsest.rivals;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.palimpsest.latents.LatentBatch;
import dev.palimpsest.tensor.Device;
import java.util.Random;
import org.junit.jupiter.api.Test;

class EmbeddingWindowTest {
  private static final int SIZE = 3;
  private static final int WIDTH = 2;
  private static final int VOCABULARY = 12;
  private static final int LENGTH = 8;

  private final Random random = new Random(8);
  private final float[] embedding = gaussian(VOCABULARY * SIZE);
  private final float[] map = gaussian(2 * SIZE * WIDTH);

  private float[] gaussian(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** Linear in the last two embeddings, 5 and 6 added. */
  private float[] made(int[] context, int position) {
    float[] output = {5, 6};
    for (int back = 0; back < 2 && back <= position; back++) {
      for (int i = 0; i < SIZE; i++) {
        for (int k = 0; k < WIDTH; k++) {
          output[k] +=
              embedding[context[position - back] * SIZE + i] * map[(back * SIZE + i) * WIDTH + k];
        }
      }
    }
    return output;
  }

  private void fit(EmbeddingWindow window) {
    for (int row = 0; row < 60; row++) {
      int[] tokens = random.ints(2L * LENGTH, 0, VOCABULARY).toArray();
      int[] kept = {0, 1, 3, 5, 6, 8, 11, 15};
      float[] outputs = new float[kept.length * WIDTH];
      for (int i = 0; i < kept.length; i++) {
        int[] context =
            java.util.Arrays.copyOfRange(
                tokens, kept[i] / LENGTH * LENGTH, (kept[i] / LENGTH + 1) * LENGTH);
        System.arraycopy(made(context, kept[i] % LENGTH), 0, outputs, i * WIDTH, WIDTH);
      }
      window.add(
          new LatentBatch(2L * row, 2, LENGTH, tokens, kept, 0, new int[0], new float[0], outputs));
    }
    window.finish();
  }

  private double worst(EmbeddingWindow window) {
    double worst = 0;
    float[] found = new float[WIDTH + 1];
    for (int n = 0; n < 50; n++) {
      int[] context = random.ints(LENGTH, 0, VOCABULARY).toArray();
      int position = random.nextInt(LENGTH);
      window.predict(context, position, found, 1);
      float[] expected = made(context, position);
      for (int k = 0; k < WIDTH; k++) {
        worst = Math.max(worst, Math.abs(found[k + 1] - expected[k]));
      }
    }
    return worst;
  }

  @Test
  void theMapThatMadeTheOutputsIsFoundByAWindowThatReachesFarEnough() {
    EmbeddingWindow far = new EmbeddingWindow(3, embedding, SIZE, WIDTH, Device.cpu());
    fit(far);
    assertThat(worst(far)).isCloseTo(0, within(.02));
    EmbeddingWindow near = new EmbeddingWindow(1, embedding, SIZE, WIDTH, Device.cpu());
    fit(near);
    assertThat(worst(near)).isGreaterThan(.5);
  }
}
