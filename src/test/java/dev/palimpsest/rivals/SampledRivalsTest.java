package dev.palimpsest.rivals;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.latents.LatentBatch;
import dev.palimpsest.tensor.Device;
import java.util.Random;
import java.util.function.Function;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;

/** Rivals that look at a sample more than once, on outputs that are known functions. */
class SampledRivalsTest {
  private static final int WIDTH = 6;
  private static final int VOCABULARY = 20;
  private static final int LENGTH = 40;

  private final Random random = new Random(11);
  private final float[] embedding = gaussian(VOCABULARY * WIDTH);
  private final float[] map = gaussian(WIDTH * WIDTH);

  private float[] gaussian(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** What stands at a position: a token, the one before, and an input. */
  @SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
  private record Place(int token, int before, float[] input) {}

  /** Not linear in the tokens' embeddings, and not a sum over tokens. */
  private float[] ofTokens(Place place) {
    float[] output = new float[WIDTH];
    for (int k = 0; k < WIDTH; k++) {
      for (int i = 0; i < WIDTH; i++) {
        int before = Math.max(place.before(), 0) * WIDTH + (i + k) % WIDTH;
        output[k] += embedding[place.token() * WIDTH + i] * embedding[before] + 2;
      }
    }
    return output;
  }

  /** Not linear in the input. */
  private float[] ofInput(Place place) {
    float[] output = new float[WIDTH];
    for (int k = 0; k < WIDTH; k++) {
      for (int i = 0; i < WIDTH; i++) {
        output[k] += Math.abs(place.input()[i]) * map[i * WIDTH + k];
      }
    }
    return output;
  }

  private LatentBatch batch(int number, Function<Place, float[]> outputs) {
    int[] tokens = random.ints(2L * LENGTH, 0, VOCABULARY).toArray();
    int[] kept = java.util.stream.IntStream.range(0, 2 * LENGTH).filter(i -> i % 7 != 3).toArray();
    float[] inputs = gaussian(kept.length * WIDTH);
    float[] made = new float[inputs.length];
    for (int i = 0; i < kept.length; i++) {
      float[] input = java.util.Arrays.copyOfRange(inputs, i * WIDTH, (i + 1) * WIDTH);
      int before = kept[i] % LENGTH == 0 ? -1 : tokens[kept[i] - 1];
      float[] output = outputs.apply(new Place(tokens[kept[i]], before, input));
      System.arraycopy(output, 0, made, i * WIDTH, WIDTH);
    }
    return new LatentBatch(
        2L * number, 2, LENGTH, tokens, kept, 0, new int[0], new float[0], made, inputs);
  }

  private RivalSample sample(Function<Place, float[]> outputs) {
    RivalSample sample = new RivalSample(WIDTH, true);
    for (int b = 0; b < 150; b++) {
      sample.add(batch(b, outputs));
    }
    return sample;
  }

  /** The share of the variance of outputs of new text that a rival does not explain. */
  private double unexplained(Rival rival, Function<Place, float[]> outputs) {
    double error = 0;
    double[] sum = new double[WIDTH];
    double square = 0;
    int rows = 0;
    for (int b = 0; b < 6; b++) {
      LatentBatch fresh = batch(1000 + b, outputs);
      float[] predicted = rival.predict(RivalRows.of(fresh, WIDTH));
      for (int i = 0; i < predicted.length; i++) {
        error += Math.pow(predicted[i] - fresh.outputs()[i], 2);
        square += Math.pow(fresh.outputs()[i], 2);
        sum[i % WIDTH] += fresh.outputs()[i];
      }
      rows += fresh.kept().length;
    }
    for (double each : sum) {
      square -= each * each / rows;
    }
    return error / square;
  }

  @Test
  void theTokenNetworkLearnsWhatTwoTokensMakeTogether() {
    Rival network = new TokenNetwork(2, embedding, WIDTH, sample(this::ofTokens), Device.cpu(), 1);
    assertThat(unexplained(network, this::ofTokens)).isLessThan(.1);
    Rival blind = new TokenNetwork(1, embedding, WIDTH, sample(this::ofTokens), Device.cpu(), 1);
    assertThat(unexplained(blind, this::ofTokens)).isGreaterThan(.3);
  }

  @Test
  void whatReadsTheInputLearnsAFunctionOfIt() {
    RivalSample sample = sample(this::ofInput);
    Rival experts = new RoutedExperts(sample, Device.cpu(), 1);
    assertThat(unexplained(experts, this::ofInput)).isLessThan(.25);
    Rival neighbours = new NearestOutputs(sample, Device.cpu());
    assertThat(unexplained(neighbours, this::ofInput)).isLessThan(.4);
    // Tokens say nothing here: no network of them gets past the mean by more than chance.
    Rival tokens = new TokenNetwork(2, embedding, WIDTH, sample, Device.cpu(), 1);
    assertThat(unexplained(tokens, this::ofInput)).isBetween(.9, 1.1);
  }

  /**
   * Nothing collects tensors that no scope has: a network once took all of the machine's memory.
   */
  @Test
  void trainingGivesBackWhatItTakes() {
    RivalSample sample = sample(this::ofInput);
    Runnable all =
        () -> {
          new TokenNetwork(2, embedding, WIDTH, sample, Device.cpu(), 1);
          new RoutedExperts(sample, Device.cpu(), 1);
          new NearestOutputs(sample, Device.cpu());
        };
    all.run();
    long before = Pointer.physicalBytes();
    all.run();
    all.run();
    assertThat(Pointer.physicalBytes() - before).isLessThan(32L << 20);
  }

  @Test
  void theSameSampleMakesTheSameRivals() {
    Rival one = new RoutedExperts(again(), Device.cpu(), 1);
    Rival other = new RoutedExperts(again(), Device.cpu(), 1);
    RivalRows rows = RivalRows.of(batch(1, this::ofInput), WIDTH);
    assertThat(one.predict(rows)).isEqualTo(other.predict(rows));
  }

  private RivalSample again() {
    random.setSeed(5);
    RivalSample sample = new RivalSample(WIDTH, true);
    for (int b = 0; b < 10; b++) {
      sample.add(batch(b, this::ofInput));
    }
    return sample;
  }
}
