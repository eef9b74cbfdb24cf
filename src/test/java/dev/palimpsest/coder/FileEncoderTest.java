package dev.palimpsest.coder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Progress;
import dev.palimpsest.base.Seeds;
import dev.palimpsest.safetensors.SafeTensors;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileEncoderTest {
  private static final int ROWS = 23;
  private static final int WIDTH = 10;

  @TempDir private Path folder;

  private static float[] random(long seed, int count, double shift) {
    SplittableRandom random = Seeds.stream(seed, "file.encoder");
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (random.nextDouble() - 0.5 + shift);
    }
    return values;
  }

  private Path input(float[] x, long... shape) {
    Path file = folder.resolve("in.safetensors");
    new SafeTensorsWriter().add("x", shape, x).write(file);
    return file;
  }

  private static SparseCoder coder() {
    return SparseCoder.initialise(CoderConfig.autoencoder(WIDTH, 40, 3), 5);
  }

  @Test
  void theSizeOfThePartsDoesNotMatter() throws IOException {
    Path input = input(random(1, ROWS * WIDTH, 100), ROWS, WIDTH);
    try (SparseCoder coder = coder()) {
      Path whole = folder.resolve("whole.safetensors");
      FileEncoder.Result result = new FileEncoder(coder).encode(input, whole, Progress.SILENT);
      assertThat(result.rows()).isEqualTo(ROWS);
      for (int part : new int[] {1, 7, ROWS}) {
        Path parts = folder.resolve("parts.safetensors");
        FileEncoder.Result again =
            new FileEncoder(coder, part).encode(input, parts, Progress.SILENT);
        try (SafeTensors a = SafeTensors.open(whole);
            SafeTensors b = SafeTensors.open(parts)) {
          assertThat(b.longs("latent_indices")).isEqualTo(a.longs("latent_indices"));
          assertThat(b.floats("latent_acts")).isEqualTo(a.floats("latent_acts"));
          assertThat(b.floats("out")).isEqualTo(a.floats("out"));
        }
        assertThat(again.fvu().orElseThrow())
            .isCloseTo(result.fvu().orElseThrow(), within(1e-9 * result.fvu().orElseThrow()));
      }
    }
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files.map(file -> String.valueOf(file.getFileName())))
          .containsExactlyInAnyOrder("in.safetensors", "whole.safetensors", "parts.safetensors");
    }
  }

  @Test
  void fvuIsAgainstTheTargetWhereThereIsOne() {
    float[] x = random(1, ROWS * WIDTH, 0);
    float[] y = random(2, ROWS * WIDTH, 3);
    Path input = folder.resolve("in.safetensors");
    new SafeTensorsWriter()
        .add("x", new long[] {ROWS, WIDTH}, x)
        .add("y", new long[] {ROWS, WIDTH}, y)
        .write(input);
    Path output = folder.resolve("deep/out.safetensors");
    try (SparseCoder coder = coder()) {
      new FileEncoder(coder, 4).encode(input, output, Progress.SILENT);
    }
    try (SafeTensors result = SafeTensors.open(output)) {
      float[] out = result.floats("out");
      double[] mean = new double[WIDTH];
      for (int i = 0; i < y.length; i++) {
        mean[i % WIDTH] += y[i] / (double) ROWS;
      }
      double error = 0;
      double deviation = 0;
      for (int i = 0; i < y.length; i++) {
        error += Math.pow((double) y[i] - out[i], 2);
        deviation += Math.pow(y[i] - mean[i % WIDTH], 2);
      }
      assertThat((double) result.floats("fvu")[0])
          .isCloseTo(error / deviation, within(1e-6 * error / deviation));
      assertThat(result.info("fvu").shape()).isEmpty();
    }
  }

  @Test
  void transcoderWithoutTargetHasNoFvu() {
    Path output = folder.resolve("out.safetensors");
    try (SparseCoder coder =
        SparseCoder.initialise(CoderConfig.transcoder(WIDTH, 40, 3, true), 5)) {
      FileEncoder.Result result =
          new FileEncoder(coder)
              .encode(input(random(1, ROWS * WIDTH, 0), ROWS, WIDTH), output, Progress.SILENT);
      assertThat(result.fvu()).isEmpty();
    }
    try (SafeTensors result = SafeTensors.open(output)) {
      assertThat(result.names()).containsExactly("latent_acts", "latent_indices", "out");
    }
  }

  @Test
  void noRowsGiveEmptyTensors() {
    Path output = folder.resolve("out.safetensors");
    try (SparseCoder coder = coder()) {
      FileEncoder.Result result =
          new FileEncoder(coder).encode(input(new float[0], 0, WIDTH), output, Progress.SILENT);
      assertThat(result.rows()).isZero();
    }
    try (SafeTensors result = SafeTensors.open(output)) {
      assertThat(result.info("latent_acts").shape()).containsExactly(0, 3);
      assertThat(result.info("latent_indices").shape()).containsExactly(0, 3);
      assertThat(result.info("out").shape()).containsExactly(0, WIDTH);
    }
  }

  @Test
  void saysWhichTensorIsWrong() {
    try (SparseCoder coder = coder()) {
      FileEncoder encoder = new FileEncoder(coder);
      Path output = folder.resolve("out.safetensors");
      for (long[] shape : new long[][] {{6, 4}, {24}, {2, 3, 4}}) {
        assertThatThrownBy(
                () -> encoder.encode(input(new float[24], shape), output, Progress.SILENT))
            .isInstanceOf(PalimpsestException.class)
            .hasMessageContainingAll("in.safetensors", "'x'", Arrays.toString(shape), "[rows, 10]");
      }
      Path both = folder.resolve("both.safetensors");
      new SafeTensorsWriter()
          .add("x", new long[] {2, WIDTH}, new float[2 * WIDTH])
          .add("y", new long[] {1, WIDTH}, new float[WIDTH])
          .write(both);
      assertThatThrownBy(() -> encoder.encode(both, output, Progress.SILENT))
          .hasMessageContainingAll("both.safetensors", "'y'", "[1, 10]", "[2, 10]");
      Path none = folder.resolve("none.safetensors");
      new SafeTensorsWriter().add("h", new long[] {1}, new float[1]).write(none);
      assertThatThrownBy(() -> encoder.encode(none, output, Progress.SILENT))
          .hasMessageContainingAll("none.safetensors", "'x'");
      assertThat(output).doesNotExist();
    }
  }
}
