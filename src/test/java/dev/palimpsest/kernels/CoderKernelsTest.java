package dev.palimpsest.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Optional;
import java.util.Random;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The checked API: what it computes on a case small enough to follow, and what it says to wrong
 * arguments.
 */
class CoderKernelsTest {
  private static final int WIDTH = 3;
  private static final int LATENTS = 4;

  private final CoderKernels kernels = CoderKernels.cpu();
  private final PointerScope scope = new PointerScope();
  private final Workspace workspace = new Workspace(HostMemory.INSTANCE);

  // Latent i < 3 reads coordinate i; latent 3 reads the sum of all.
  private FloatPointer encoder = floats(1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1);
  private FloatPointer encoderBias = floats(0, 0, 0.5f, -1);
  private FloatPointer decoder = floats(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
  private FloatPointer decoderBias = floats(0.5f, 0.25f, 0);
  private CoderParameters coder = parameters(Optional.empty(), false);

  private FloatPointer x = floats(2, -1, 0.25f, -1, -1, -2);
  private FloatPointer values = new FloatPointer(4);
  private IntPointer indices = new IntPointer(4);

  private static FloatPointer floats(float... numbers) {
    return new FloatPointer(numbers);
  }

  private static float[] array(FloatPointer pointer) {
    float[] copy = new float[(int) pointer.limit()];
    pointer.get(copy);
    return copy;
  }

  private CoderParameters parameters(Optional<FloatPointer> skip, boolean subtract) {
    return new CoderParameters(
        WIDTH,
        LATENTS,
        encoder,
        encoderBias,
        decoder,
        decoderBias,
        skip,
        subtract,
        Optional.empty());
  }

  @BeforeEach
  void encodeTwoRows() {
    kernels.encode(coder, x, 2, 2, Activation.TOPK, values, indices, workspace);
  }

  @AfterEach
  void free() {
    coder.close();
    workspace.close();
    scope.close();
  }

  @Test
  void describesItself() {
    assertThat(kernels.describe()).startsWith("cpu ").contains("thread");
  }

  @Test
  void encodesTheLargestPositiveActivations() {
    // Row 0: activations 2, 0, 0.75, 0.25. Row 1: none positive.
    assertThat(array(values)).containsExactly(2f, 0.75f, 0f, 0f);
    assertThat(new int[] {indices.get(0), indices.get(1), indices.get(2), indices.get(3)})
        .containsExactly(0, 2, 0, 0);
  }

  @Test
  void encodesGroupMaxima() {
    kernels.encode(coder, x, 2, 2, Activation.GROUPMAX, values, indices, workspace);
    assertThat(array(values)).containsExactly(2f, 0.75f, 0f, 0f);
    assertThat(indices.get(1)).isEqualTo(2);
  }

  @Test
  void decodesWithBiasAndSkip() {
    FloatPointer out = new FloatPointer(2 * WIDTH);
    kernels.decode(coder, Optional.empty(), 2, 2, values, indices, out, workspace);
    assertThat(array(out)).containsExactly(7.75f, 10.25f, 12.75f, 0.5f, 0.25f, 0f);
    FloatPointer skip = floats(0, 0, 1, 0, 0, 0, 0, 0, 0);
    try (CoderParameters skipping = parameters(Optional.of(skip), false)) {
      kernels.decode(skipping, Optional.of(x), 2, 2, values, indices, out, workspace);
    }
    assertThat(array(out)).containsExactly(8f, 10.25f, 12.75f, -1.5f, 0.25f, 0f);
  }

  @Test
  void measuresTheVarianceUnexplained() {
    FloatPointer prediction = floats(1, 0, 0, 1, 0, 0);
    FloatPointer target = floats(2, 0, 0, 0, 0, 0);
    FloatPointer grad = new FloatPointer(6);
    DoublePointer sums = new DoublePointer(2);
    kernels.fvu(prediction, target, 2, WIDTH, Optional.of(grad), sums, workspace);
    assertThat(sums.get(0)).isEqualTo(2.0);
    assertThat(sums.get(1)).isEqualTo(2.0);
    assertThat(array(grad)).containsExactly(-1f, 0f, 0f, 1f, 0f, 0f);
  }

  @Test
  void countsFirings() {
    LongPointer counts = new LongPointer(5L, 0L, 0L, 0L);
    kernels.countFirings(values, indices, 2, 2, LATENTS, counts);
    assertThat(new long[] {counts.get(0), counts.get(1), counts.get(2), counts.get(3)})
        .containsExactly(6, 0, 1, 0);
  }

  @Test
  void computesGradients() {
    FloatPointer grad = floats(1, 0, 0, 0, 1, 0);
    ParameterArrays gradients = zeros();
    kernels.backward(coder, x, grad, 2, 2, values, indices, gradients, false, workspace);
    // dz of latent 0 is <grad[0], (1, 2, 3)> = 1, of latent 2 <grad[0], (7, 8, 9)> = 7.
    assertThat(array(gradients.encoderBias())).containsExactly(1f, 0f, 7f, 0f);
    assertThat(array(gradients.encoder()))
        .containsExactly(2f, -1f, 0.25f, 0f, 0f, 0f, 14f, -7f, 1.75f, 0f, 0f, 0f);
    assertThat(array(gradients.decoder()))
        .containsExactly(2f, 0f, 0f, 0f, 0f, 0f, 0.75f, 0f, 0f, 0f, 0f, 0f);
    assertThat(array(gradients.decoderBias())).containsExactly(1f, 1f, 0f);
    kernels.backward(coder, x, grad, 2, 2, values, indices, gradients, true, workspace);
    assertThat(array(gradients.encoderBias())).containsExactly(2f, 0f, 14f, 0f);
  }

  @Test
  void stepsAsTheUnfusedPathDoes() {
    for (UpdateRule rule :
        new UpdateRule[] {new UpdateRule.Adam(0.01f, 3), new UpdateRule.Signum(0.01f, 0.95f, 3)}) {
      FloatPointer grad = floats(1, -0.5f, 0.25f, 0.125f, 1, 2);
      ParameterArrays gradients = zeros();
      kernels.backward(coder, x, grad, 2, 2, values, indices, gradients, false, workspace);
      kernels.removeParallel(decoder, gradients.decoder(), LATENTS, WIDTH);
      FloatPointer expected = floats(array(decoder));
      Optional<FloatPointer> second =
          rule instanceof UpdateRule.Adam ? Optional.of(zeros(12)) : Optional.empty();
      kernels.update(expected, gradients.decoder(), zeros(12), second, 12, rule);
      kernels.normalizeRows(expected, LATENTS, WIDTH);

      Optional<ParameterArrays> moments =
          rule instanceof UpdateRule.Adam ? Optional.of(zeros()) : Optional.empty();
      kernels.step(
          coder, zeros(), moments, x, grad, 2, 2, values, indices, rule, true, true, workspace);
      assertThat(array(decoder)).containsExactly(array(expected));
    }
  }

  @Test
  void givesTheSameBitsForAnyThreadCountAndInstructionSet() {
    Random random = new Random(7);
    int width = 33;
    int latents = 257;
    long rows = 29;
    long k = 9;
    FloatPointer weights = gaussian(random, latents * width);
    FloatPointer input = gaussian(random, 29 * width);
    FloatPointer zeros = zeros(latents);
    FloatPointer kept = new FloatPointer(rows * k);
    IntPointer places = new IntPointer(rows * k);
    float[] first = {};
    try (CoderParameters wide =
        new CoderParameters(
            width,
            latents,
            weights,
            zeros,
            weights,
            zeros(width),
            Optional.empty(),
            false,
            Optional.empty())) {
      for (String set : new String[] {"portable", ""}) {
        for (int threads : new int[] {1, 3}) {
          kernels.setInstructionSet(set);
          kernels.setThreads(threads);
          kernels.encode(wide, input, rows, k, Activation.TOPK, kept, places, workspace);
          first = first.length == 0 ? array(kept) : first;
          assertThat(array(kept)).containsExactly(first);
        }
      }
    } finally {
      kernels.setInstructionSet("");
      kernels.setThreads(0);
    }
    assertThat((double) first[0]).isCloseTo(largest(input, weights, width, latents), within(1e-4));
  }

  @Test
  void refusesWrongArgumentsByName() {
    assertThatThrownBy(
            () -> kernels.encode(coder, x, 2, 5, Activation.TOPK, values, indices, workspace))
        .isInstanceOf(KernelException.class)
        .hasMessage("encode: k is 5, expected 1 to 4 (the coder's latents)");
    assertThatThrownBy(
            () -> kernels.encode(coder, x, 3, 1, Activation.TOPK, values, indices, workspace))
        .hasMessage("encode: x has 6 elements, expected at least 9");
    assertThatThrownBy(
            () -> kernels.encode(coder, x, 2, 3, Activation.TOPK, values, indices, workspace))
        .hasMessage("encode: values has 4 elements, expected at least 6");
    assertThatThrownBy(
            () -> kernels.encode(coder, x, -1, 2, Activation.TOPK, values, indices, workspace))
        .hasMessage("encode: rows is -1, expected 0 or more");
    assertThatThrownBy(
            () -> kernels.encode(coder, x, 1, 3, Activation.GROUPMAX, values, indices, workspace))
        .hasMessageContaining("4 latents do not divide into k = 3 groups");
    indices.put(1, 4);
    FloatPointer out = new FloatPointer(6);
    assertThatThrownBy(
            () -> kernels.decode(coder, Optional.empty(), 2, 2, values, indices, out, workspace))
        .hasMessage("pal_decode: indices[0, 1] is 4, expected 0 to 3");
    assertThatThrownBy(() -> kernels.setInstructionSet("mmx")).hasMessageContaining("\"mmx\"");
    assertThatThrownBy(
            () ->
                kernels.update(
                    zeros(2), zeros(2), zeros(2), Optional.empty(), 2, new UpdateRule.Adam(1, 1)))
        .hasMessage("pal_update: second is NULL");
    assertThatThrownBy(() -> parameters(Optional.of(floats(1)), false))
        .hasMessage("coder: skip has 1 elements, expected at least 9");
  }

  private static double largest(FloatPointer x, FloatPointer w, int width, int latents) {
    double best = 0;
    for (int i = 0; i < latents; i++) {
      double sum = 0;
      for (int p = 0; p < width; p++) {
        sum += (double) x.get(p) * w.get((long) i * width + p);
      }
      best = Math.max(best, sum);
    }
    return best;
  }

  private static FloatPointer gaussian(Random random, int count) {
    FloatPointer pointer = new FloatPointer(count);
    for (int i = 0; i < count; i++) {
      pointer.put(i, (float) random.nextGaussian());
    }
    return pointer;
  }

  private static FloatPointer zeros(int count) {
    return new FloatPointer(new float[count]);
  }

  private static ParameterArrays zeros() {
    return new ParameterArrays(
        zeros(LATENTS * WIDTH),
        zeros(LATENTS),
        zeros(LATENTS * WIDTH),
        zeros(WIDTH),
        Optional.empty());
  }
}
