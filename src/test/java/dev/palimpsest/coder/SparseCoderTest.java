package dev.palimpsest.coder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.kernels.NativeArrays;
import dev.palimpsest.safetensors.DType;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SparseCoderTest {
  @TempDir private Path folder;

  private static float[] array(FloatPointer values) {
    float[] copy = new float[Math.toIntExact(values.capacity())];
    values.get(copy);
    return copy;
  }

  @Test
  void transcodersStartWithUniformEncoderAndNoDecoder() {
    CoderConfig config = CoderConfig.transcoder(64, 500, 4, true);
    try (SparseCoder coder = SparseCoder.initialise(config, 7);
        SparseCoder same = SparseCoder.initialise(config, 7);
        SparseCoder other = SparseCoder.initialise(config, 8)) {
      float[] encoder = array(coder.encoder());
      double sum = 0;
      double squares = 0;
      for (float weight : encoder) {
        assertThat(weight).isBetween(-0.125f, 0.125f);
        sum += weight;
        squares += weight * weight;
      }
      assertThat(sum / encoder.length).isCloseTo(0, within(2e-3));
      assertThat(squares / encoder.length).isCloseTo(1 / (3.0 * 64), within(1e-4));
      assertThat(array(coder.decoder())).containsOnly(0);
      assertThat(array(coder.encoderBias())).containsOnly(0);
      assertThat(array(coder.decoderBias())).containsOnly(0);
      assertThat(array(coder.skip().orElseThrow())).containsOnly(0).hasSize(64 * 64);
      assertThat(array(same.encoder())).isEqualTo(encoder);
      assertThat(array(other.encoder())).isNotEqualTo(encoder);
    }
  }

  @Test
  void autoencodersStartWithTheEncodersDirectionsAtUnitNorm() {
    try (SparseCoder coder = SparseCoder.initialise(CoderConfig.autoencoder(33, 50, 4), 1)) {
      float[] encoder = array(coder.encoder());
      for (int latent = 0; latent < 50; latent++) {
        float[] row = coder.decoderRow(latent);
        double norm = 0;
        double dot = 0;
        double encoderNorm = 0;
        for (int i = 0; i < 33; i++) {
          norm += row[i] * row[i];
          dot += row[i] * encoder[latent * 33 + i];
          encoderNorm += encoder[latent * 33 + i] * encoder[latent * 33 + i];
        }
        assertThat(norm).isCloseTo(1, within(1e-6));
        assertThat(dot).isCloseTo(Math.sqrt(encoderNorm), within(1e-6));
      }
      assertThat(coder.skip()).isEmpty();
      assertThatThrownBy(() -> coder.decoderRow(50)).hasMessageContaining("latents 0 to 49");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"layers.6.mlp", "model.layers.6.mlp", "gpt_neox.layers.6.mlp", "layer_6"})
  void findsAFolderUnderTheNamesInUse(String stored) {
    try (SparseCoder coder = SparseCoder.initialise(CoderConfig.autoencoder(4, 8, 2), 1)) {
      coder.save(folder.resolve(stored));
    }
    for (String wanted : new String[] {"layers.6.mlp", "model.layers.6.mlp", "layer_6"}) {
      assertThat(SparseCoder.find(folder.resolve(wanted)).toAbsolutePath())
          .isEqualTo(folder.resolve(stored).toAbsolutePath());
    }
    assertThat(SparseCoder.find(folder)).isEqualTo(folder.resolve(stored));
    assertThatThrownBy(() -> SparseCoder.find(folder.resolve("layers.5.mlp")))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("layers.5.mlp");
  }

  @Test
  void asksWhichOfSeveralSeedsIsMeant() {
    try (SparseCoder coder = SparseCoder.initialise(CoderConfig.autoencoder(4, 8, 2), 1)) {
      coder.save(folder.resolve("layers.1/seed0"));
      coder.save(folder.resolve("layers.1/seed1"));
    }
    assertThatThrownBy(() -> SparseCoder.load(folder.resolve("layers.1")))
        .hasMessageContaining("seed0, seed1");
    assertThatThrownBy(() -> SparseCoder.load(folder.resolve("nowhere/at/all")))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("nowhere/at/all");
  }

  @Test
  void readsHalfPrecisionFiles() throws IOException {
    float[] encoder = {1, -0.5f, 0.25f, 2, 3, -4};
    new SafeTensorsWriter()
        .add("encoder.weight", DType.BF16, new long[] {3, 2}, encoder)
        .add("encoder.bias", DType.F16, new long[] {3}, new float[] {0.5f, 0, -1})
        .add("W_dec", DType.BF16, new long[] {3, 2}, encoder)
        .add("b_dec", DType.BF16, new long[] {2}, new float[] {1, 2})
        .write(folder.resolve("sae.safetensors"));
    Files.writeString(folder.resolve("cfg.json"), "{\"k\": 2}");
    try (SparseCoder coder = SparseCoder.load(folder)) {
      assertThat(array(coder.encoder())).containsExactly(encoder);
      assertThat(array(coder.encoderBias())).containsExactly(0.5f, 0, -1);
      assertThat(array(coder.decoderBias())).containsExactly(1, 2);
    }
  }

  @Test
  void saysWhichTensorDoesNotFitTheConfiguration() throws IOException {
    SafeTensorsWriter writer =
        new SafeTensorsWriter()
            .add("encoder.weight", new long[] {3, 2}, new float[6])
            .add("encoder.bias", new long[] {3}, new float[3])
            .add("W_dec", new long[] {2, 3}, new float[6]);
    writer.write(folder.resolve("sae.safetensors"));
    Files.writeString(folder.resolve("cfg.json"), "{\"k\": 2, \"num_latents\": 5}");
    assertThatThrownBy(() -> SparseCoder.load(folder))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContainingAll("sae.safetensors", "encoder.weight", "[3, 2]", "[5, 2]");

    Files.writeString(folder.resolve("cfg.json"), "{\"k\": 2}");
    assertThatThrownBy(() -> SparseCoder.load(folder))
        .hasMessageContainingAll("sae.safetensors", "W_dec", "[2, 3]", "[3, 2]");

    writer.add("W_skip", new long[] {2, 2}, new float[4]).write(folder.resolve("sae.safetensors"));
    Files.writeString(folder.resolve("cfg.json"), "{\"k\": 2, \"skip_connection\": false}");
    assertThatThrownBy(() -> SparseCoder.load(folder)).hasMessageContainingAll("W_skip", "false");

    new SafeTensorsWriter()
        .add("encoder.weight", new long[] {6}, new float[6])
        .write(folder.resolve("sae.safetensors"));
    assertThatThrownBy(() -> SparseCoder.load(folder))
        .hasMessageContainingAll("encoder.weight", "[6]", "expected");

    new SafeTensorsWriter()
        .add("weights", new long[] {6}, new float[6])
        .write(folder.resolve("sae.safetensors"));
    assertThatThrownBy(() -> SparseCoder.load(folder)).hasMessageContaining("encoder.weight");
  }

  @Test
  void encodeRefusesRoomForAnotherK() {
    try (SparseCoder coder = SparseCoder.initialise(CoderConfig.autoencoder(4, 8, 2), 1);
        SparseActivations three = new SparseActivations(1, 3);
        NativeArrays memory = new NativeArrays()) {
      FloatPointer x = memory.floats(4);
      assertThatThrownBy(() -> coder.encode(x, 1, three))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
